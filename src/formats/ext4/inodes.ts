import { inodeChecksum, inodeSeed } from './disk/checksums.ts';
import { encodeDevice } from './disk/device.ts';
import { inode, inodeBlockLength, inodeFlags, inodeNumbers, maximumLinks, modeTypes } from './disk/inode.ts';
import { encodeTime } from './disk/time.ts';
import { encodeExtents } from './extents.ts';
import { blockSize, inodeSize } from './geometry.ts';
import type { Placement } from './layout.ts';
import type { Node } from './nodes.ts';
import { encodeInodeXattrs } from './xattrs.ts';

/** Bytes in use of what follows the first 128. */
export const extraIsize = 32;

/** Writes one inode into 256 zeroed bytes, without a checksum. */
export function encodeInode(bytes: Buffer, node: Node, placement: Placement): void {
  const { entry, links } = node;
  const size = sizeOf(node, placement);
  bytes.writeUInt16LE(modeTypes[entry.type] | entry.mode, inode.mode);
  bytes.writeUInt16LE(entry.uid & 0xffff, inode.uidLow);
  bytes.writeUInt16LE(entry.uid >>> 16, inode.uidHigh);
  bytes.writeUInt16LE(entry.gid & 0xffff, inode.gidLow);
  bytes.writeUInt16LE(entry.gid >>> 16, inode.gidHigh);
  bytes.writeUInt32LE(size >>> 0, inode.sizeLow);
  bytes.writeUInt32LE(Math.floor(size / 2 ** 32), inode.sizeHigh);
  bytes.writeUInt16LE(links > maximumLinks ? 1 : links, inode.links);
  bytes.writeUInt32LE(sectorsOf(placement), inode.blocksLow);
  bytes.writeUInt32LE(placement.xattrBlock, inode.fileAclLow);
  bytes.writeUInt16LE(extraIsize, inode.extraIsize);
  encodeTimes(bytes, entry.mtime);
  encodePayload(bytes, node, placement);
  const { inInode } = node.xattrs;
  if (inInode.length > 0) encodeInodeXattrs(bytes.subarray(128 + extraIsize), inInode);
}

/** All four are that of the last change. */
function encodeTimes(bytes: Buffer, time: { readonly seconds: number; readonly nanos: number }): void {
  const { low, extra } = encodeTime(time);
  for (const at of [inode.atime, inode.ctime, inode.mtime, inode.crtime]) bytes.writeUInt32LE(low, at);
  for (const at of [inode.atimeExtra, inode.ctimeExtra, inode.mtimeExtra, inode.crtimeExtra]) bytes.writeUInt32LE(extra, at);
}

function sizeOf({ entry }: Node, { extents }: Placement): number {
  if (entry.type === 'file') return entry.size;
  if (entry.type === 'symlink') return entry.target.length;
  if (entry.type !== 'dir') return 0;
  return extents.reduce((sum, { count }) => sum + count, 0) * blockSize;
}

/** All blocks that belong to an inode, in units of 512 bytes. */
export function sectorsOf({ extents, treeBlocks, xattrBlock }: Placement): number {
  let blocks = treeBlocks.length + (xattrBlock === 0 ? 0 : 1);
  for (const { count } of extents) blocks += count;
  return blocks * (blockSize / 512);
}

function encodePayload(bytes: Buffer, { entry }: Node, placement: Placement): void {
  const payload = bytes.subarray(inode.block, inode.block + inodeBlockLength);
  if (entry.type === 'fifo' || entry.type === 'socket') return;
  if (entry.type === 'char' || entry.type === 'block') {
    const [old, made] = encodeDevice(entry);
    payload.writeUInt32LE(old, 0);
    payload.writeUInt32LE(made, 4);
    return;
  }
  if (entry.type === 'symlink' && entry.target.length < inodeBlockLength) {
    payload.write(entry.target, 'latin1');
    return;
  }
  bytes.writeUInt32LE(inodeFlags.extents, inode.flags);
  encodeExtents(payload, placement);
}

/** Writes the inode of the journal into 256 zeroed bytes, without a checksum. */
export function encodeJournalInode(bytes: Buffer, placement: Placement): void {
  const size = sectorsOf(placement) * 512;
  bytes.writeUInt16LE(modeTypes.file | 0o600, inode.mode);
  bytes.writeUInt32LE(size >>> 0, inode.sizeLow);
  bytes.writeUInt32LE(Math.floor(size / 2 ** 32), inode.sizeHigh);
  bytes.writeUInt16LE(1, inode.links);
  bytes.writeUInt32LE(sectorsOf(placement), inode.blocksLow);
  bytes.writeUInt32LE(inodeFlags.extents, inode.flags);
  bytes.writeUInt16LE(extraIsize, inode.extraIsize);
  encodeExtents(bytes.subarray(inode.block, inode.block + inodeBlockLength), placement);
}

/** Puts the checksum of an inode into it. */
export function sealInode(bytes: Buffer, number: number, seed: number): void {
  const crc = inodeChecksum(inodeSeed(seed, number, 0), bytes.subarray(0, inodeSize));
  bytes.writeUInt16LE(crc & 0xffff, inode.checksumLow);
  bytes.writeUInt16LE(crc >>> 16, inode.checksumHigh);
}

/** The place of an inode in the order of all nodes; undefined for those with a fixed number but the root's and lost+found's. */
export function nodeIndex(number: number): number | undefined {
  if (number === inodeNumbers.root) return 0;
  return number < inodeNumbers.first ? undefined : number - inodeNumbers.first + 1;
}
