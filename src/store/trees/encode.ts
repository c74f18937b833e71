import type { ByteString } from '../../base/byte-string.ts';
import { hexOf } from '../../base/digest.ts';
import type { Digest } from '../../base/digest.ts';
import { checkNode } from './check.ts';
import type { Attributes, Entry, TreeNode } from './node.ts';

/** The first bytes of every encoded node; the digit is the version of the encoding. */
export const magic = 'PKTREE1\n';

/** The byte that stands for each type of entry. */
export const typeBytes = { dir: 1, file: 2, symlink: 3, char: 4, block: 5, fifo: 6 } as const satisfies Record<
  Entry['type'],
  number
>;

interface Sink {
  bytes: Buffer;
  at: number;
}

/** The one canonical encoding of a directory; its digest is the directory's identity. */
export function encodeNode(node: TreeNode): Uint8Array {
  checkNode(node, 'to be written');
  const sink: Sink = { bytes: Buffer.allocUnsafe(256 + node.entries.length * 128), at: 0 };
  text(sink, magic);
  attributes(sink, node);
  u32(sink, node.entries.length);
  for (const entry of node.entries) encodeEntry(sink, entry);
  u32(sink, node.links.length);
  for (const group of node.links) {
    u32(sink, group.length);
    for (const path of group) {
      u32(sink, path.length);
      text(sink, path);
    }
  }
  return sink.bytes.subarray(0, sink.at);
}

function encodeEntry(sink: Sink, entry: Entry): void {
  u8(sink, typeBytes[entry.type]);
  u16(sink, entry.name.length);
  text(sink, entry.name);
  if (entry.type === 'dir') return hex(sink, entry.node);
  attributes(sink, entry);
  if (entry.type === 'file') {
    hex(sink, entry.content);
    u64(sink, BigInt(entry.size));
  } else if (entry.type === 'symlink') {
    u16(sink, entry.target.length);
    text(sink, entry.target);
  } else if (entry.type !== 'fifo') {
    u32(sink, entry.major);
    u32(sink, entry.minor);
  }
}

function attributes(sink: Sink, { mode, uid, gid, mtime, xattrs }: Attributes): void {
  u16(sink, mode);
  u32(sink, uid);
  u32(sink, gid);
  u64(sink, BigInt.asUintN(64, BigInt(mtime.seconds)));
  u32(sink, mtime.nanos);
  u16(sink, xattrs.length);
  for (const { name, value } of xattrs) {
    u16(sink, name.length);
    text(sink, name);
    u32(sink, value.length);
    room(sink, value.length);
    sink.bytes.set(value, sink.at);
    sink.at += value.length;
  }
}

function room(sink: Sink, size: number): void {
  if (sink.at + size <= sink.bytes.length) return;
  const larger = Buffer.allocUnsafe(Math.max(sink.bytes.length * 2, sink.at + size));
  sink.bytes.copy(larger, 0, 0, sink.at);
  sink.bytes = larger;
}

function u8(sink: Sink, value: number): void {
  room(sink, 1);
  sink.at = sink.bytes.writeUInt8(value, sink.at);
}

function u16(sink: Sink, value: number): void {
  room(sink, 2);
  sink.at = sink.bytes.writeUInt16LE(value, sink.at);
}

function u32(sink: Sink, value: number): void {
  room(sink, 4);
  sink.at = sink.bytes.writeUInt32LE(value, sink.at);
}

function u64(sink: Sink, value: bigint): void {
  room(sink, 8);
  sink.at = sink.bytes.writeBigUInt64LE(value, sink.at);
}

function text(sink: Sink, value: string | ByteString): void {
  room(sink, value.length);
  sink.at += sink.bytes.write(value, sink.at, 'latin1');
}

function hex(sink: Sink, digest: Digest): void {
  room(sink, 32);
  sink.at += sink.bytes.write(hexOf(digest), sink.at, 'hex');
}
