import { fromBytes } from '../../base/byte-string.ts';
import type { ByteString } from '../../base/byte-string.ts';
import { malformedElf, numberAt, takeAt, textAt } from './bytes.ts';
import type { ElfBytes, ReadAt } from './bytes.ts';
import { readElfHeaders } from './read.ts';

/** Where the fields of the section headers are, as [offset, size]; of the file's header: the table, its entries' size and number, and which holds the names. */
const layouts = {
  32: {
    header: 52,
    table: [32, 4],
    entrySize: [46, 2],
    count: [48, 2],
    names: [50, 2],
    size: 40,
    offset: [16, 4],
    length: [20, 4],
  },
  64: {
    header: 64,
    table: [40, 8],
    entrySize: [58, 2],
    count: [60, 2],
    names: [62, 2],
    size: 64,
    offset: [24, 8],
    length: [32, 8],
  },
} as const;

/** More than any kernel module says about itself. */
const largestInfo = 2 ** 20;

/** The modules that a kernel module needs, by name, as its `.modinfo` section says; undefined for what is no ELF file. */
export async function moduleNeeds(read: ReadAt): Promise<readonly ByteString[] | undefined> {
  const headers = await readElfHeaders(read);
  if (headers === undefined) return undefined;
  const section = await findSection(headers.bytes, '.modinfo');
  if (section === undefined) throw malformedElf('it has no section .modinfo, so it is no kernel module');
  if (section.size > largestInfo) throw malformedElf('its section .modinfo is too large');
  const { buffer, byteOffset, byteLength } = await takeAt(read, section.offset, section.size);
  const facts = fromBytes(new Uint8Array(buffer, byteOffset, byteLength)).split('\0');
  const needs = facts.find((fact) => fact.startsWith('depends='))?.slice('depends='.length) ?? '';
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- parts of a byte string
  return needs.split(',').filter((name) => name !== '') as ByteString[];
}

async function findSection(bytes: ElfBytes, wanted: string): Promise<{ offset: number; size: number } | undefined> {
  const layout = layouts[bytes.bits];
  const header = await takeAt(bytes.read, 0, layout.header);
  const count = numberAt(header, bytes, layout.count);
  if (count === 0) return undefined;
  if (numberAt(header, bytes, layout.entrySize) !== layout.size) throw malformedElf('its sections have an unknown size');
  const table = await takeAt(bytes.read, numberAt(header, bytes, layout.table), count * layout.size);
  const section = (index: number): { name: number; offset: number; size: number } => {
    const at = index * layout.size;
    const field = ([from, size]: readonly [number, number]): number => numberAt(table, bytes, [at + from, size]);
    return { name: field([0, 4]), offset: field(layout.offset), size: field(layout.length) };
  };
  const namesAt = numberAt(header, bytes, layout.names);
  if (namesAt >= count) throw malformedElf('its sections have no names');
  const names = section(namesAt);
  for (let index = 0; index < count; index += 1) {
    const { name, offset, size } = section(index);
    if ((await textAt(bytes.read, names.offset + name, names.size - name)) === wanted) return { offset, size };
  }
  return undefined;
}
