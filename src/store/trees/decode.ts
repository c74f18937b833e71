import { fromBytes } from '../../base/byte-string.ts';
import type { ByteString } from '../../base/byte-string.ts';
import { digestFromHex } from '../../base/digest.ts';
import { checkNode, malformed } from './check.ts';
import { magic, typeBytes } from './encode.ts';
import type { Attributes, Entry, TreeNode } from './node.ts';

interface Source {
  readonly bytes: Buffer;
  readonly name: string;
  at: number;
}

/** A directory from its encoding; anything but the one canonical form is refused (PK2103, naming `name`). */
export function decodeNode(bytes: Uint8Array, name: string): TreeNode {
  const source: Source = { bytes: Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength), name, at: 0 };
  if (take(source, magic.length).toString('latin1') !== magic) throw malformed(name, 'it does not begin as a tree does');
  const own = attributes(source);
  const entries = many(source, 4, entry);
  const links = many(source, 4, () => many(source, 4, () => text(source, u32(source))));
  if (source.at !== source.bytes.length) throw malformed(name, 'bytes follow its end');
  const node = { ...own, entries, links };
  checkNode(node, name);
  return node;
}

/** A counted list; `least` bytes an item bound what a hostile count can make us allocate. */
function many<T>(source: Source, least: number, read: (source: Source) => T): readonly T[] {
  const count = u32(source);
  if (count * least > source.bytes.length - source.at) throw malformed(source.name, 'a count is larger than what follows');
  return Array.from({ length: count }, () => read(source));
}

function entry(source: Source): Entry {
  const type = u8(source);
  const name = text(source, u16(source));
  if (type === typeBytes.dir) return { type: 'dir', name, node: digest(source) };
  const own = attributes(source);
  switch (type) {
    case typeBytes.file:
      return { type: 'file', name, ...own, content: digest(source), size: Number(u64(source)) };
    case typeBytes.symlink:
      return { type: 'symlink', name, ...own, target: text(source, u16(source)) };
    case typeBytes.char:
    case typeBytes.block: {
      const kind = type === typeBytes.char ? 'char' : 'block';
      return { type: kind, name, ...own, major: u32(source), minor: u32(source) };
    }
    case typeBytes.fifo:
      return { type: 'fifo', name, ...own };
    default:
      throw malformed(source.name, `an entry has the unknown type ${type}`);
  }
}

function attributes(source: Source): Attributes {
  const mode = u16(source);
  const uid = u32(source);
  const gid = u32(source);
  const seconds = Number(BigInt.asIntN(64, u64(source)));
  const nanos = u32(source);
  const count = u16(source);
  const xattrs = Array.from({ length: count }, () => {
    const name = text(source, u16(source));
    return { name, value: Uint8Array.from(take(source, u32(source))) };
  });
  return { mode, uid, gid, mtime: { seconds, nanos }, xattrs };
}

function take(source: Source, size: number): Buffer {
  const end = source.at + size;
  if (end > source.bytes.length) throw malformed(source.name, 'it ends too early');
  const bytes = source.bytes.subarray(source.at, end);
  source.at = end;
  return bytes;
}

function text(source: Source, size: number): ByteString {
  return fromBytes(take(source, size));
}

function digest(source: Source): ReturnType<typeof digestFromHex> {
  return digestFromHex(take(source, 32).toString('hex'));
}

function u8(source: Source): number {
  return take(source, 1).readUInt8(0);
}

function u16(source: Source): number {
  return take(source, 2).readUInt16LE(0);
}

function u32(source: Source): number {
  return take(source, 4).readUInt32LE(0);
}

function u64(source: Source): bigint {
  return take(source, 8).readBigUInt64LE(0);
}
