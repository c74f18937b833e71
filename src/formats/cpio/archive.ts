import type { ByteString } from '../../base/byte-string.ts';
import { fromBytes } from '../../base/byte-string.ts';
import { malformed, show, tooMuch } from '../archive-errors.ts';
import { checkTarget, cleanPath, note } from '../archive-names.ts';
import type { Known } from '../archive-names.ts';
import type { ByteReader } from '../byte-reader.ts';
import type { TarAttributes, TarLimits } from '../tar/entry.ts';
import type { CpioEntry } from './entry.ts';
import { decodeHeader, headerSize, longestName, trailerName, typeBits } from './header.ts';
import type { CpioHeader } from './header.ts';
import { linksOf } from './links.ts';
import type { Links } from './links.ts';
import { openSection, passFilling } from './section.ts';

/** What all archives of one file share. */
export interface Reading {
  readonly known: Known;
  readonly limits: TarLimits;
  /** Headers (trailers among them), bytes of files, bytes of names, and zeros between archives so far. */
  readonly spent: { headers: number; bytes: number; metadata: number; zeros: number };
}

type Header = CpioHeader & { readonly summed: boolean };

interface Met {
  readonly header: Header;
  readonly path: ByteString;
  readonly where: string;
}

/** The entries of one archive, from its first header to its trailer. */
export async function* readArchive(reader: ByteReader, reading: Reading, signal: AbortSignal): AsyncGenerator<CpioEntry> {
  const links = linksOf();
  for (;;) {
    signal.throwIfAborted();
    const where = `byte ${reader.offset}`;
    const header = decodeHeader(await reader.take(headerSize), where);
    const name = await readName(reader, header.nameSize, where);
    spend(reading, header, where);
    if (name === trailerName) {
      if (header.size > 0) throw malformed(where, 'the trailer has content');
      for (const { header: one, names } of links.empty()) yield* emptyFile(one, names);
      return;
    }
    const path = cleanPath(name, where);
    const met = { header, path, where };
    const type = typeOf(header, where);
    note(reading.known, path, { body: { type }, where });
    if (name.endsWith('/') && type !== 'dir') throw malformed(where, `the name of a ${type} ends with a slash`);
    if (type === 'file') yield* readFile(reader, { ...met, links }, signal);
    else if (type === 'symlink') yield await readSymlink(reader, met);
    else {
      if (header.size > 0) throw malformed(where, `a ${type} has a size`);
      const { major, minor } = header;
      const attributes = { path, ...attributesOf(header) };
      yield type === 'char' || type === 'block' ? { ...attributes, type, major, minor } : { ...attributes, type };
    }
  }
}

async function readName(reader: ByteReader, size: number, where: string): Promise<ByteString> {
  if (size < 2 || size > longestName + 1) throw malformed(where, 'a name is empty or too long');
  const bytes = await reader.take(size);
  // Some programs fill a name up with NUL bytes, so that contents begin where a page does.
  const end = bytes.indexOf(0);
  if (bytes.length < size || end < 1 || bytes.subarray(end).some((byte) => byte !== 0))
    throw malformed(where, 'a name is cut off, empty or holds a NUL byte');
  await passFilling(reader, headerSize + size);
  return fromBytes(bytes.subarray(0, end));
}

function spend({ spent, limits }: Reading, header: Header, where: string): void {
  spent.headers += 1;
  spent.bytes += header.size;
  spent.metadata += header.nameSize;
  if (spent.headers > limits.entries) throw tooMuch(where, `more than ${limits.entries} entries`);
  if (spent.bytes > limits.bytes) throw tooMuch(where, `more than ${limits.bytes} bytes of files`);
  if (spent.metadata > limits.metadata) throw tooMuch(where, `more than ${limits.metadata} bytes of names`);
}

const types: ReadonlyMap<number, keyof typeof typeBits> = new Map(
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the keys of a constant
  Object.entries(typeBits).map(([type, bits]) => [bits, type as keyof typeof typeBits]),
);

function typeOf({ mode }: Header, where: string): keyof typeof typeBits {
  const type = types.get(mode - (mode & 0o7777));
  if (type === undefined) throw malformed(where, 'the type of an entry is none that there is');
  return type;
}

function attributesOf({ mode, uid, gid, mtime }: CpioHeader): TarAttributes {
  return { mode: mode & 0o7777, uid, gid, mtime: { seconds: mtime, nanos: 0 }, xattrs: [] };
}

/** Programs that make sums make none of the targets of symlinks. */
async function readSymlink(reader: ByteReader, { header, path, where }: Met): Promise<CpioEntry> {
  if (header.size > longestName) throw malformed(where, `the target of ${show(path)} is too long`);
  const section = openSection(reader, { size: header.size, sum: undefined }, neverAborted);
  const parts: Uint8Array[] = [];
  for await (const bytes of section.content()) parts.push(bytes);
  await section.close();
  const target = checkTarget(fromBytes(Buffer.concat(parts)), where);
  if (target.includes('\0')) throw malformed(where, `the target of ${show(path)} holds a NUL byte`);
  return { path, ...attributesOf(header), type: 'symlink', target };
}

/** A few thousand bytes are not worth being stopped in. */
const neverAborted = new AbortController().signal;

async function* readFile(
  reader: ByteReader,
  { header, path, where, links }: Met & { readonly links: Links },
  signal: AbortSignal,
): AsyncGenerator<CpioEntry> {
  const { size } = header;
  const attributes = attributesOf(header);
  const section = openSection(reader, { size, sum: header.summed ? header.check : undefined }, signal);
  const found = links.meet(path, { header, where });
  if (found.kind === 'link') yield { path, ...attributes, type: 'hardlink', target: found.target };
  if (found.kind === 'content') yield { path, ...attributes, type: 'file', size, content: section.content() };
  await section.close();
  if (found.kind !== 'content') return;
  for (const name of found.waited) yield { path: name, ...attributes, type: 'hardlink', target: path };
}

function* emptyFile(header: CpioHeader, [first, ...others]: readonly ByteString[]): Generator<CpioEntry> {
  if (first === undefined) return;
  const attributes = attributesOf(header);
  yield { path: first, ...attributes, type: 'file', size: 0, content: noContent() };
  for (const path of others) yield { path, ...attributes, type: 'hardlink', target: first };
}

async function* noContent(): AsyncGenerator<Uint8Array> {
  // An empty file.
}
