import { never } from '../../base/exhaustive.ts';
import { byteReader } from '../byte-reader.ts';
import type { ByteReader, PassableStream } from '../byte-reader.ts';
import type { ByteString } from '../../base/byte-string.ts';
import { blockSize } from './entry.ts';
import type { TarAttributes, TarBody, TarEntry, TarLimits } from './entry.ts';
import { isExtension, noExtensions, readExtension } from './extension.ts';
import { decodeHeader } from './header.ts';
import type { Header } from './header.ts';
import { checkTarget, cleanPath, note } from '../archive-names.ts';
import type { Known } from '../archive-names.ts';
import type { Extension } from './pax.ts';
import { laterLinks } from './later-links.ts';
import { malformed, refused, tooMuch } from '../archive-errors.ts';
import { openSection } from './section.ts';
import type { Section } from './section.ts';

/** What a tar may be: its cost, and whether hard links may lead to files that are not in it (a layer over another). */
export interface TarRules extends TarLimits {
  readonly openLinks?: boolean;
  /** Told for each file, before its entry is handed out, where its bytes begin in the archive. */
  readonly located?: (path: ByteString, offset: number) => void;
}

/**
 * The entries of a tar in their order, each checked before it is handed out. What is doubtful is refused: see archive-names.ts for
 * paths and links, header.ts and pax.ts for the rest. The archive must end as POSIX says, and only zeros may follow.
 * A hard link that stands before its file is handed out right behind it. What was not read of a file is passed over when the next entry is asked for.
 */
export async function* readTar(source: PassableStream, rules: TarRules, signal: AbortSignal): AsyncGenerator<TarEntry> {
  const reader = byteReader(source);
  const known: Known = { types: new Map(), limits: rules, otherLinks: rules.openLinks === true ? 'outside' : 'later' };
  const links = laterLinks(known);
  const spent = { bytes: 0, metadata: 0 };
  let extensions = noExtensions;
  try {
    for (;;) {
      signal.throwIfAborted();
      const where = `byte ${reader.offset}`;
      const header = await readHeader(reader, where);
      if (header === undefined) {
        if (extensions !== noExtensions && extensions.types !== 'g') throw malformed(where, 'an extended header has no entry');
        links.end();
        return await readEnd(reader, signal);
      }
      spent.metadata += isExtension(header) ? header.size : header.name.length + header.link.length;
      if (spent.metadata > rules.metadata)
        throw tooMuch(where, `more than ${rules.metadata} bytes of names and extended headers`);
      if (isExtension(header)) {
        extensions = await readExtension(reader, { header, earlier: extensions }, where);
        continue;
      }
      const said = extensions.said;
      extensions = noExtensions;
      const type = typeOf(header, where);
      const size = sizeOf({ type, header, said }, where);
      spent.bytes += size;
      if (spent.bytes > rules.bytes) throw tooMuch(where, `more than ${rules.bytes} bytes of files`);
      const section = openSection(reader, size, signal);
      const path = cleanPath(said.path ?? header.name, where);
      const body = bodyOf({ type, header, said, size, section }, where);
      if ((said.path ?? header.name).endsWith('/') && body.type !== 'dir')
        throw malformed(where, `the name of a ${body.type} ends with a slash`);
      const waits = note(known, path, { body, where });
      if (type === 'file') rules.located?.(path, reader.offset);
      const entry = { path, ...attributesOf(header, said), ...body };
      if (waits && entry.type === 'hardlink') links.hold(entry, where);
      else yield entry;
      await section.close();
      yield* links.release(path);
    }
  } finally {
    await reader.close();
  }
}

/** The next header, or undefined for a block of zeros. */
async function readHeader(reader: ByteReader, where: string): Promise<Header | undefined> {
  const block = await reader.take(blockSize);
  if (block.length < blockSize) throw malformed(where, 'it ends without an end mark');
  return block.every((byte) => byte === 0) ? undefined : decodeHeader(block, where);
}

/** The end mark is two blocks of zeros; programs fill up to their record size with more. */
async function readEnd(reader: ByteReader, signal: AbortSignal): Promise<void> {
  const where = `byte ${reader.offset}`;
  const second = await reader.take(blockSize);
  if (second.length < blockSize) throw malformed(where, 'it ends in the middle of the end mark');
  for (let bytes = second; bytes.length > 0; bytes = await reader.some(2 ** 20)) {
    signal.throwIfAborted();
    if (bytes.some((byte) => byte !== 0)) throw malformed(where, 'something stands behind the end mark');
  }
}

const types: ReadonlyMap<string, TarBody['type']> = new Map([
  ['\0', 'file'],
  ['0', 'file'],
  ['1', 'hardlink'],
  ['2', 'symlink'],
  ['3', 'char'],
  ['4', 'block'],
  ['5', 'dir'],
  ['6', 'fifo'],
]);

function typeOf({ typeflag }: Header, where: string): TarBody['type'] {
  const type = types.get(typeflag);
  if (type !== undefined) return type;
  throw refused(
    where,
    `an entry is of the type ${JSON.stringify(typeflag)} (such as a sparse file), which portkit does not read`,
  );
}

interface Facts {
  readonly type: TarBody['type'];
  readonly header: Header;
  readonly said: Extension;
}

/** Only files have content; what another program would skip or read here would be a matter of taste. */
function sizeOf({ type, header, said }: Facts, where: string): number {
  if (type !== 'file' && (header.size !== 0 || said.size !== undefined)) throw malformed(where, `a ${type} has a size`);
  return said.size ?? header.size;
}

function bodyOf({ type, header, said, size, section }: Facts & { size: number; section: Section }, where: string): TarBody {
  const target = said.link ?? header.link;
  if (type !== 'hardlink' && type !== 'symlink' && target !== '') throw malformed(where, `a ${type} has the target of a link`);
  switch (type) {
    case 'file':
      return { type, size, content: section.content() };
    case 'hardlink':
      return { type, target: cleanPath(target, where) };
    case 'symlink':
      return { type, target: checkTarget(target, where) };
    case 'char':
    case 'block': {
      const { major, minor } = header.device();
      return { type, major: said.major ?? major, minor: said.minor ?? minor };
    }
    case 'dir':
    case 'fifo':
      return { type };
    default:
      return never(type);
  }
}

function attributesOf(header: Header, said: Extension): TarAttributes {
  const names = [...(said.xattrs?.keys() ?? [])].toSorted((a, b) => (a < b ? -1 : 1));
  return {
    mode: header.mode,
    uid: said.uid ?? header.uid,
    gid: said.gid ?? header.gid,
    mtime: said.mtime ?? { seconds: header.seconds, nanos: 0 },
    xattrs: names.map((name) => ({ name, value: said.xattrs?.get(name) ?? new Uint8Array() })),
  };
}
