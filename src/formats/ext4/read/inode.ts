import { crc32c } from '../disk/crc32c.ts';
import { bytesOf32, crcWithout } from './checksums.ts';
import type { FileSystem } from './file-system.ts';
import type { Report } from './report.ts';

/** One inode as plain data. */
export interface Inode {
  readonly number: number;
  /** All bytes it has in the table. */
  readonly bytes: Uint8Array;
  /** Type and permissions. */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly size: number;
  readonly links: number;
  readonly deleted: number;
  readonly flags: number;
  readonly generation: number;
  /** Blocks it takes, of 512 bytes, or of whole blocks with the flag `hugeFile`. */
  readonly sectors: number;
  /** The 60 bytes for an extent tree, block numbers, a short symlink or a device number. */
  readonly map: Uint8Array;
  readonly xattrBlock: number;
  /** Bytes beyond the first 128 that are fields. */
  readonly extraSize: number;
  readonly mtime: { readonly seconds: number; readonly nanos: number };
}

/** The type bits of a mode. */
export const fileTypes = {
  fifo: 0x1000,
  char: 0x2000,
  dir: 0x4000,
  block: 0x6000,
  file: 0x8000,
  symlink: 0xa000,
  socket: 0xc000,
} as const;

/** Flags of an inode that change how it is read. */
export const inodeFlags = {
  compressed: 0x4,
  encrypted: 0x800,
  indexed: 0x1000,
  hugeFile: 0x40000,
  extents: 0x80000,
  verity: 0x100000,
  largeXattr: 0x200000,
  inlineData: 0x10000000,
  casefold: 0x40000000,
} as const;

const chunkSize = 2 ** 16;
const mostChunks = 64;

/** Gives the bytes of an inode by its number, undefined when there is no such inode; keeps what was read last. */
export type InodeTable = (number: number) => Uint8Array | undefined;

/** Reads inodes by number, in pieces of the table that are kept for a while. */
export function inodeTable(fs: FileSystem): InodeTable {
  const { superblock, geometry, image } = fs;
  const chunks = new Map<number, Uint8Array>();
  const end = superblock.blocks * geometry.blockSize;

  function chunkAt(index: number): Uint8Array {
    const known = chunks.get(index);
    if (known !== undefined) return known;
    const oldest = chunks.keys().next();
    if (chunks.size >= mostChunks && oldest.done !== true) chunks.delete(oldest.value);
    const chunk = image.read(index * chunkSize, Math.min(chunkSize, end - index * chunkSize));
    chunks.set(index, chunk);
    return chunk;
  }

  return (number) => {
    const group = number > 0 ? fs.groups[Math.floor((number - 1) / superblock.inodesPerGroup)] : undefined;
    if (group === undefined) return undefined;
    const start = group.inodeTable * geometry.blockSize + ((number - 1) % superblock.inodesPerGroup) * superblock.inodeSize;
    if (group.inodeTable <= superblock.firstDataBlock || start + superblock.inodeSize > end) return undefined;
    // Inodes never cross a chunk: both sizes are powers of two.
    return chunkAt(Math.floor(start / chunkSize)).subarray(start % chunkSize, (start % chunkSize) + superblock.inodeSize);
  };
}

/** Reads the fields of an inode. */
export function parseInode(number: number, bytes: Uint8Array): Inode {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const u16 = (at: number): number => view.getUint16(at, true);
  const u32 = (at: number): number => view.getUint32(at, true);
  const extraSize = bytes.length > 128 ? u16(128) : 0;
  const mode = u16(0);
  const extraTime = extraSize >= 12 && bytes.length >= 140 ? u32(136) : 0;
  return {
    number,
    bytes,
    mode,
    uid: u16(2) + u16(120) * 2 ** 16,
    gid: u16(24) + u16(122) * 2 ** 16,
    size: u32(4) + u32(108) * 2 ** 32,
    links: u16(26),
    deleted: u32(20),
    flags: u32(32),
    generation: u32(100),
    sectors: u32(28) + u16(116) * 2 ** 32,
    map: bytes.subarray(40, 100),
    xattrBlock: u32(104) + u16(118) * 2 ** 32,
    extraSize,
    mtime: { seconds: view.getInt32(16, true) + (extraTime & 3) * 2 ** 32, nanos: extraTime >>> 2 },
  };
}

/** The bits of a mode that say what an inode is. */
export function typeOf({ mode }: Inode): number {
  return mode & 0xf000;
}

/** What checksums of an inode's own blocks begin with; undefined when there are none. */
export function inodeSeed({ seed }: FileSystem, { number, generation }: Inode): number | undefined {
  return seed === undefined ? undefined : crc32c(crc32c(seed, bytesOf32(number)), bytesOf32(generation));
}

/** Compares an inode with its checksum. */
export function checkInodeSum(fs: FileSystem, inode: Inode, report: Report): void {
  const seed = inodeSeed(fs, inode);
  if (seed === undefined) return;
  const { bytes, extraSize } = inode;
  const wide = bytes.length > 128 && extraSize >= 4;
  const low = crcWithout(seed, bytes.subarray(0, 128), [124, 2]);
  const sum = bytes.length === 128 ? low : wide ? crcWithout(low, bytes.subarray(128), [2, 2]) : crc32c(low, bytes.subarray(128));
  const at = (offset: number): number => bytes[offset]! + bytes[offset + 1]! * 256;
  const expected = wide ? sum : sum & 0xffff;
  if (at(124) + (wide ? at(130) * 2 ** 16 : 0) !== expected) report({ kind: 'inode', inode: inode.number }, 'its checksum is wrong');
}
