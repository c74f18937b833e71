import { hasBackup } from './disk/group.ts';
import { smallestJournal } from './disk/journal.ts';

/** Bytes of a block. */
export const blockSize = 4096;
/** Blocks of a group: as many as one block of bits counts. */
export const groupBlocks = 8 * blockSize;
/** Bytes of an inode. */
export const inodeSize = 256;

/** How the image is divided, before anything is placed. */
export interface Geometry {
  readonly blocks: number;
  readonly groups: number;
  /** Bytes of a group descriptor. */
  readonly descriptorSize: number;
  /** Blocks of all group descriptors together. */
  readonly descriptorBlocks: number;
  readonly inodesPerGroup: number;
  /** Blocks of the inodes of one group. */
  readonly tableBlocks: number;
  readonly journalBlocks: number;
}

/** What the geometry depends on besides the number of blocks. */
export interface Shape {
  readonly csum: boolean;
  readonly journal: boolean;
  readonly inodes: number;
}

/** The most inodes of a group: as many as one block of bits counts. */
const mostInodes = 8 * blockSize;

/** Divides this many blocks; `short` is the number that is needed when they are too few for the inodes. */
export function geometryOf(blocks: number, shape: Shape): Geometry | { readonly short: number } {
  const groups = Math.ceil(blocks / groupBlocks);
  const inodesPerGroup = roundUp(Math.ceil(shape.inodes / groups), blockSize / inodeSize);
  if (inodesPerGroup > mostInodes) return { short: (Math.ceil(shape.inodes / mostInodes) - 1) * groupBlocks + 1 };
  const descriptorSize = shape.csum ? 64 : 32;
  return {
    blocks,
    groups,
    descriptorSize,
    descriptorBlocks: Math.ceil((groups * descriptorSize) / blockSize),
    inodesPerGroup,
    tableBlocks: (inodesPerGroup * inodeSize) / blockSize,
    journalBlocks: shape.journal ? journalBlocks(blocks) : 0,
  };
}

/** As mke2fs chooses. */
function journalBlocks(blocks: number): number {
  const found = [
    [32_768, smallestJournal],
    [262_144, 4096],
    [524_288, 8192],
    [4_194_304, 16_384],
    [8_388_608, 32_768],
    [16_777_216, 65_536],
    [33_554_432, 131_072],
  ].find(([limit = 0]) => blocks < limit);
  return found?.[1] ?? 262_144;
}

/** The number of blocks of group `group`. */
export function lengthOfGroup({ blocks, groups }: Geometry, group: number): number {
  return group === groups - 1 ? blocks - group * groupBlocks : groupBlocks;
}

/**
 * The blocks that a last group needs to be of use: its copy of the superblock and descriptors and 64 more, as far as tools
 * that grow an image care for.
 */
function smallestLastGroup(groups: number): number {
  return 64 + (hasBackup(groups - 1) ? 1 + Math.ceil((groups * 64) / blockSize) : 0);
}

/** The next number of blocks, from this on, whose last group is of use. */
export function usableBlocksFrom(blocks: number): number {
  const groups = Math.ceil(blocks / groupBlocks);
  if (groups === 1) return Math.max(blocks, 64);
  return Math.max(blocks, (groups - 1) * groupBlocks + smallestLastGroup(groups));
}

/** The last number of blocks, up to this, whose last group is of use. */
export function usableBlocksUpTo(blocks: number): number {
  const groups = Math.ceil(blocks / groupBlocks);
  return usableBlocksFrom(blocks) === blocks || groups <= 1 ? blocks : (groups - 1) * groupBlocks;
}

function roundUp(value: number, multiple: number): number {
  return Math.ceil(value / multiple) * multiple;
}
