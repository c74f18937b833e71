import { inodeChecksum, inodeSeed as seedOf } from '../disk/checksums.ts';
import { crc32c } from '../disk/crc32c.ts';
import { inode as at, inodeBlockLength, modeTypes } from '../disk/inode.ts';
import { decodeTime } from '../disk/time.ts';
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
  const u16 = (offset: number): number => view.getUint16(offset, true);
  const u32 = (offset: number): number => view.getUint32(offset, true);
  const extraSize = bytes.length > 128 ? u16(at.extraIsize) : 0;
  const mode = u16(at.mode);
  const extraTime = extraSize >= 12 && bytes.length >= 140 ? u32(at.mtimeExtra) : 0;
  return {
    number,
    bytes,
    mode,
    uid: u16(at.uidLow) + u16(at.uidHigh) * 2 ** 16,
    gid: u16(at.gidLow) + u16(at.gidHigh) * 2 ** 16,
    size: u32(at.sizeLow) + u32(at.sizeHigh) * 2 ** 32,
    links: u16(at.links),
    deleted: u32(at.dtime),
    flags: u32(at.flags),
    generation: u32(at.generation),
    sectors: u32(at.blocksLow) + u16(at.blocksHigh) * 2 ** 32,
    map: bytes.subarray(at.block, at.block + inodeBlockLength),
    xattrBlock: u32(at.fileAclLow) + u16(at.fileAclHigh) * 2 ** 32,
    extraSize,
    mtime: decodeTime({ low: u32(at.mtime), extra: extraTime }),
  };
}

/** The bits of a mode that say what an inode is. */
export function typeOf({ mode }: Inode): number {
  return mode & 0xf000;
}

/** Is an inode of a kind that always has its content in blocks? */
export function isMapped(inode: Inode): boolean {
  const type = typeOf(inode);
  return type === modeTypes.file || type === modeTypes.dir;
}

/** What checksums of an inode's own blocks begin with; undefined when there are none. */
export function inodeSeed({ seed }: FileSystem, { number, generation }: Inode): number | undefined {
  return seed === undefined ? undefined : seedOf(seed, number, generation);
}

/** Compares an inode with its checksum. */
export function checkInodeSum(fs: FileSystem, inode: Inode, report: Report): void {
  const seed = inodeSeed(fs, inode);
  if (seed === undefined) return;
  const { bytes, extraSize } = inode;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const wide = bytes.length > 128 && extraSize >= 4;
  const sum = wide ? inodeChecksum(seed, bytes) : shortChecksum(seed, bytes);
  const stored = view.getUint16(at.checksumLow, true) + (wide ? view.getUint16(at.checksumHigh, true) * 2 ** 16 : 0);
  if (stored !== sum) report({ kind: 'inode', inode: inode.number }, 'its checksum is wrong');
}

/** The checksum of an inode that has only room for half of it. */
function shortChecksum(seed: number, bytes: Uint8Array): number {
  const before = crc32c(crc32c(seed, bytes.subarray(0, at.checksumLow)), Uint8Array.of(0, 0));
  return crc32c(before, bytes.subarray(at.checksumLow + 2)) & 0xffff;
}
