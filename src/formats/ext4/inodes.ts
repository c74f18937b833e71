import { inodeChecksum, inodeSeed } from './disk/checksums.ts';
import { encodeDevice } from './disk/device.ts';
import { inode, inodeBlockLength, inodeFlags, inodeNumbers, maximumLinks, modeTypes } from './disk/inode.ts';
import { encodeTime } from './disk/time.ts';
import { encodeExtents } from './extents.ts';
import { blockSize, inodeSize } from './geometry.ts';
import type { Placement } from './layout.ts';
import type { InodeEntry, Node } from './nodes.ts';
import { encodeInodeXattrs } from './xattrs.ts';

/** Bytes in use of what follows the first 128. */
export const extraIsize = 32;

/** Room for one inode, and the part of it that belongs to its type: views of which the caller makes few. */
export interface InodeSlot {
  readonly bytes: Buffer;
  readonly payload: Buffer;
}

/** The slots of a whole number of inodes. */
export function slotsOf(bytes: Buffer): readonly InodeSlot[] {
  return Array.from({ length: bytes.length / inodeSize }, (_, at) => {
    const slot = bytes.subarray(at * inodeSize, (at + 1) * inodeSize);
    return { bytes: slot, payload: slot.subarray(inode.block, inode.block + inodeBlockLength) };
  });
}

/** Writes one inode into a zeroed slot, without a checksum. */
export function encodeInode({ bytes, payload }: InodeSlot, node: Node, placement: Placement): void {
  const { entry, links, xattrs } = node;
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
  if (encodePayload(payload, entry, placement)) bytes.writeUInt32LE(inodeFlags.extents, inode.flags);
  if (xattrs.inInode.length > 0) encodeInodeXattrs(bytes.subarray(128 + extraIsize), xattrs.inInode);
}

/** All four are that of the last change. */
function encodeTimes(bytes: Buffer, time: { readonly seconds: number; readonly nanos: number }): void {
  const { low, extra } = encodeTime(time);
  bytes.writeUInt32LE(low, inode.atime);
  bytes.writeUInt32LE(low, inode.ctime);
  bytes.writeUInt32LE(low, inode.mtime);
  bytes.writeUInt32LE(low, inode.crtime);
  bytes.writeUInt32LE(extra, inode.atimeExtra);
  bytes.writeUInt32LE(extra, inode.ctimeExtra);
  bytes.writeUInt32LE(extra, inode.mtimeExtra);
  bytes.writeUInt32LE(extra, inode.crtimeExtra);
}

function sizeOf({ entry }: Node, placement: Placement): number {
  if (entry.type === 'file') return entry.size;
  if (entry.type === 'symlink') return entry.target.length;
  if (entry.type !== 'dir') return 0;
  return bytesOf(placement);
}

/** The bytes of all blocks of content. */
function bytesOf({ extents }: Placement): number {
  return extents.reduce((sum, { count }) => sum + count, 0) * blockSize;
}

/** All blocks that belong to an inode, in units of 512 bytes. */
export function sectorsOf({ extents, treeBlocks, xattrBlock }: Placement): number {
  let blocks = treeBlocks.length + (xattrBlock === 0 ? 0 : 1);
  for (const { count } of extents) blocks += count;
  return blocks * (blockSize / 512);
}

/** Says whether it is an extent tree. */
function encodePayload(payload: Buffer, entry: InodeEntry, placement: Placement): boolean {
  if (entry.type === 'fifo' || entry.type === 'socket') return false;
  if (entry.type === 'char' || entry.type === 'block') {
    const [old, made] = encodeDevice(entry);
    payload.writeUInt32LE(old, 0);
    payload.writeUInt32LE(made, 4);
    return false;
  }
  if (entry.type === 'symlink' && entry.target.length < inodeBlockLength) {
    payload.write(entry.target, 'latin1');
    return false;
  }
  encodeExtents(payload, placement);
  return true;
}

/** Writes the inode of the journal into a zeroed slot, without a checksum. */
export function encodeJournalInode({ bytes, payload }: InodeSlot, placement: Placement): void {
  const size = bytesOf(placement);
  bytes.writeUInt16LE(modeTypes.file | 0o600, inode.mode);
  bytes.writeUInt32LE(size >>> 0, inode.sizeLow);
  bytes.writeUInt32LE(Math.floor(size / 2 ** 32), inode.sizeHigh);
  bytes.writeUInt16LE(1, inode.links);
  bytes.writeUInt32LE(sectorsOf(placement), inode.blocksLow);
  bytes.writeUInt32LE(inodeFlags.extents, inode.flags);
  bytes.writeUInt16LE(extraIsize, inode.extraIsize);
  encodeExtents(payload, placement);
}

/** Puts the checksum of an inode into it. */
export function sealInode(bytes: Buffer, number: number, seed: number): void {
  const crc = inodeChecksum(inodeSeed(seed, number, 0), bytes);
  bytes.writeUInt16LE(crc & 0xffff, inode.checksumLow);
  bytes.writeUInt16LE(crc >>> 16, inode.checksumHigh);
}

/** The place of an inode in the order of all nodes; undefined for those with a fixed number but the root's and lost+found's. */
export function nodeIndex(number: number): number | undefined {
  if (number === inodeNumbers.root) return 0;
  return number < inodeNumbers.first ? undefined : number - inodeNumbers.first + 1;
}
