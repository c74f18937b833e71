import type { ByteString } from '../../base/byte-string.ts';
import { malformedElf, numberAt, takeAt, textAt } from './bytes.ts';
import type { ElfBytes, ReadAt } from './bytes.ts';

/** What the dynamic loader reads of a program or library before it runs. */
export interface Elf {
  readonly bits: 32 | 64;
  readonly endian: 'little' | 'big';
  /** The number of the processor (`EM_X86_64` is 62). */
  readonly machine: number;
  /** The path of the dynamic loader; a library or a static program has none. */
  readonly interpreter?: ByteString;
  readonly soname?: ByteString;
  /** The libraries it asks for, in order. */
  readonly needed: readonly ByteString[];
  /** The folders to look in, with colons between them, as written; RPATH counts only where there is no RUNPATH. */
  readonly rpath?: ByteString;
  readonly runpath?: ByteString;
}

/** What the headers at the beginning of an ELF file say. */
export interface ElfHeaders {
  readonly bytes: ElfBytes;
  readonly machine: number;
  readonly segments: readonly Segment[];
}

/** Reads the headers of an ELF file; undefined for anything that does not begin like one, PK3305 for one that is broken. */
export async function readElfHeaders(read: ReadAt): Promise<ElfHeaders | undefined> {
  const ident = await read(0, 16);
  if (ident.length < 16 || Buffer.from(ident.subarray(0, 4)).toString('latin1') !== '\x7fELF') return undefined;
  const bits = ([32, 64] as const)[(ident[4] ?? 0) - 1];
  const endian = (['little', 'big'] as const)[(ident[5] ?? 0) - 1];
  if (bits === undefined || endian === undefined || ident[6] !== 1) throw malformedElf('its class, order or version is unknown');
  const bytes: ElfBytes = { read, bits, endian };
  const machine = numberAt(await takeAt(read, 18, 2), bytes, [0, 2]);
  return { bytes, machine, segments: await readSegments(bytes) };
}

/** Reads an ELF file; undefined for anything that does not begin like one, PK3305 for one that is broken. */
export async function readElf(read: ReadAt): Promise<Elf | undefined> {
  const headers = await readElfHeaders(read);
  if (headers === undefined) return undefined;
  const { bytes, machine, segments } = headers;
  const interpreter = segments.find(({ type }) => type === 3);
  return {
    bits: bytes.bits,
    endian: bytes.endian,
    machine,
    ...(interpreter && { interpreter: await textAt(read, interpreter.offset, interpreter.size) }),
    ...(await readDynamic(bytes, segments)),
  };
}

/** A part of the file, and where it goes in memory. */
interface Segment {
  /** 1 is loaded, 2 says what to link, 3 names the loader, 4 holds notes. */
  readonly type: number;
  readonly offset: number;
  readonly address: number;
  readonly size: number;
}

/** Where the fields of the headers are, as [offset, size]. */
const layouts = {
  32: {
    header: 52,
    table: [28, 4],
    entrySize: [42, 2],
    count: [44, 2],
    size: 32,
    offset: [4, 4],
    address: [8, 4],
    length: [16, 4],
  },
  64: {
    header: 64,
    table: [32, 8],
    entrySize: [54, 2],
    count: [56, 2],
    size: 56,
    offset: [8, 8],
    address: [16, 8],
    length: [32, 8],
  },
} as const;

async function readSegments(bytes: ElfBytes): Promise<readonly Segment[]> {
  const layout = layouts[bytes.bits];
  const header = await takeAt(bytes.read, 0, layout.header);
  const count = numberAt(header, bytes, layout.count);
  if (count === 0) return [];
  if (count === 0xffff) throw malformedElf('it has too many segments');
  if (numberAt(header, bytes, layout.entrySize) !== layout.size) throw malformedElf('its segments have an unknown size');
  const table = await takeAt(bytes.read, numberAt(header, bytes, layout.table), count * layout.size);
  return Array.from({ length: count }, (_, index) => {
    const at = index * layout.size;
    const field = ([from, size]: readonly [number, number]): number => numberAt(table, bytes, [at + from, size]);
    return { type: field([0, 4]), offset: field(layout.offset), address: field(layout.address), size: field(layout.length) };
  });
}

/** The most entries that the dynamic section may have; large programs have a few hundred. */
const mostEntries = 4096;

async function readDynamic(bytes: ElfBytes, segments: readonly Segment[]): Promise<Omit<Elf, 'bits' | 'endian' | 'machine'>> {
  const segment = segments.find(({ type }) => type === 2);
  if (segment === undefined) return { needed: [] };
  const word = bytes.bits / 8;
  if (!(segment.size <= mostEntries * 2 * word)) throw malformedElf('its dynamic section is too large');
  const table = await takeAt(bytes.read, segment.offset, segment.size);
  const values = new Map<number, number[]>();
  for (let at = 0; at + 2 * word <= segment.size; at += 2 * word) {
    const tag = numberAt(table, bytes, [at, word]);
    if (tag === 0) break;
    const list = values.get(tag) ?? [];
    list.push(numberAt(table, bytes, [at + word, word]));
    values.set(tag, list);
  }
  const [address, size] = [values.get(5)?.[0], values.get(10)?.[0]];
  const texts = async (tag: number): Promise<readonly ByteString[]> => {
    const places = values.get(tag) ?? [];
    if (places.length === 0) return [];
    if (address === undefined || size === undefined) throw malformedElf('its dynamic section has no texts');
    const start = fileOffset(segments, address);
    return Promise.all(places.map((place) => textAt(bytes.read, start + place, size - place)));
  };
  const [needed, [soname], [rpath], [runpath]] = [await texts(1), await texts(14), await texts(15), await texts(29)];
  return { needed, ...(soname && { soname }), ...(rpath && { rpath }), ...(runpath && { runpath }) };
}

/** Where an address of memory is in the file. */
function fileOffset(segments: readonly Segment[], address: number): number {
  const home = segments.find((one) => one.type === 1 && one.address <= address && address < one.address + one.size);
  if (home === undefined) throw malformedElf('its texts are in no segment');
  return home.offset + (address - home.address);
}
