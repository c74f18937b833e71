import { showBytes, toBytes } from '../../base/byte-string.ts';
import type { FileAttributes } from '../file-tree.ts';
import { aclToDisk } from './disk/acl.ts';
import {
  xattrBlockHash,
  xattrEntry,
  xattrEntryHash,
  xattrHeader,
  xattrHeaderLength,
  xattrMagic,
  xattrPrefixes,
} from './disk/xattr.ts';

/** One attribute as it is stored: the name without what its index stands for. */
interface StoredXattr {
  readonly index: number;
  readonly name: Buffer;
  readonly value: Uint8Array;
}

/** Where the attributes of one inode go: into the inode itself as long as they fit, then into one block. */
export interface XattrPlan {
  readonly inInode: readonly StoredXattr[];
  readonly inBlock: readonly StoredXattr[];
}

/** Room for entries and values, without headers and the four zeros behind the entries. */
const inodeRoom = 256 - 128 - 32 - xattrHeaderLength.inode - 4;
const blockRoom = 4096 - xattrHeaderLength.block - 4;

const nothing: XattrPlan = { inInode: [], inBlock: [] };

/** Divides attributes between inode and block; `refuse` makes the error for one that cannot be stored. */
export function planXattrs(xattrs: FileAttributes['xattrs'], refuse: (why: string) => Error): XattrPlan {
  if (xattrs.length === 0) return nothing;
  const stored = xattrs.map((xattr) => toStored(xattr, refuse)).toSorted(byStoredOrder);
  const inInode: StoredXattr[] = [];
  const inBlock: StoredXattr[] = [];
  let inodeLeft = inodeRoom;
  let blockLeft = blockRoom;
  for (const [at, one] of stored.entries()) {
    const before = stored[at - 1];
    if (before !== undefined && byStoredOrder(before, one) === 0) throw refuse('it has an extended attribute twice');
    const length = storedLength(one);
    if (length <= inodeLeft) {
      inInode.push(one);
      inodeLeft -= length;
    } else {
      inBlock.push(one);
      blockLeft -= length;
    }
  }
  if (blockLeft < 0) throw refuse(`its extended attributes take ${-blockLeft} bytes more than fit in its inode and one block`);
  return { inInode, inBlock };
}

function toStored({ name, value }: FileAttributes['xattrs'][number], refuse: (why: string) => Error): StoredXattr {
  for (const [index, prefix] of Object.entries(xattrPrefixes)) {
    const whole = !prefix.endsWith('.');
    if (whole ? name !== prefix : !name.startsWith(prefix)) continue;
    const disk = whole ? aclToDisk(value) : value;
    if (disk === undefined) throw refuse(`its extended attribute "${showBytes(name)}" is no POSIX ACL`);
    const rest = toBytes(name).subarray(prefix.length);
    if (rest.length > 255 || (rest.length === 0 && !whole) || rest.includes(0)) {
      throw refuse('the name of an extended attribute is empty, too long or holds a NUL byte');
    }
    return { index: Number(index), name: rest, value: disk };
  }
  throw refuse(`its extended attribute "${showBytes(name)}" is of no kind that ext4 stores`);
}

/** The kernel needs blocks sorted like this to find names. */
function byStoredOrder(a: StoredXattr, b: StoredXattr): number {
  return a.index - b.index || a.name.length - b.name.length || Buffer.compare(a.name, b.name);
}

const padded = (length: number): number => (length + 3) & ~3;

function storedLength({ name, value }: StoredXattr): number {
  return xattrEntry.name + padded(name.length) + padded(value.length);
}

/** Fills the end of an inode (what follows its extra fields) with attributes. */
export function encodeInodeXattrs(room: Buffer, xattrs: readonly StoredXattr[]): void {
  room.writeUInt32LE(xattrMagic, 0);
  encodeEntries(room.subarray(xattrHeaderLength.inode), xattrs, 0);
}

/** A whole attribute block, its checksum left 0. */
export function encodeBlockXattrs(block: Buffer, xattrs: readonly StoredXattr[]): void {
  block.writeUInt32LE(xattrMagic, xattrHeader.magic);
  block.writeUInt32LE(1, xattrHeader.refcount);
  block.writeUInt32LE(1, xattrHeader.blocks);
  const hashes = encodeEntries(block, xattrs, xattrHeaderLength.block);
  block.writeUInt32LE(xattrBlockHash(hashes), xattrHeader.hash);
}

/** Entries from `first` upwards, values from the end downwards; offsets of values count from the start of `room`. */
function encodeEntries(room: Buffer, xattrs: readonly StoredXattr[], first: number): readonly number[] {
  let at = first;
  let end = room.length;
  return xattrs.map(({ index, name, value }) => {
    end -= padded(value.length);
    room.set(value, end);
    const hash = xattrEntryHash(name, value);
    room.writeUInt8(name.length, at + xattrEntry.nameLength);
    room.writeUInt8(index, at + xattrEntry.nameIndex);
    room.writeUInt16LE(value.length === 0 ? 0 : end, at + xattrEntry.valueOffset);
    room.writeUInt32LE(value.length, at + xattrEntry.valueSize);
    room.writeUInt32LE(hash, at + xattrEntry.hash);
    room.set(name, at + xattrEntry.name);
    at += xattrEntry.name + padded(name.length);
    return hash;
  });
}
