import type { Run } from './allocator.ts';
import { groupChecksum } from './disk/checksums.ts';
import { crc32c } from './disk/crc32c.ts';
import { descriptor, groupFlags } from './disk/group.ts';
import { inodeNumbers } from './disk/inode.ts';
import { blockSize, groupBlocks, lengthOfGroup } from './geometry.ts';
import type { Layout } from './layout.ts';
import type { Node } from './nodes.ts';

/** The two bitmaps of one group. */
interface GroupBitmaps {
  readonly blocks: Buffer;
  readonly inodes: Buffer;
}

/** What a descriptor counts. */
interface Counts {
  readonly freeBlocks: number;
  readonly freeInodes: number;
  readonly directories: number;
  /** Inodes at the end of the table that were never used. */
  readonly unusedInodes: number;
}

/** Bitmaps and counts of all groups, made one group at a time. */
export interface Groups {
  /** The bitmaps of a group. They are only valid until the next call. */
  bitmaps(group: number): GroupBitmaps;
  counts(group: number): Counts;
}

/** Knows what is used in each group. Inodes are used from the first on without a gap. */
export function groupsOf(layout: Layout, nodes: readonly Node[]): Groups {
  const { geometry, used } = layout;
  const { inodesPerGroup } = geometry;
  const usedInodes = nodes.length + inodeNumbers.first - 2;
  const bitmaps = { blocks: Buffer.alloc(blockSize), inodes: Buffer.alloc(blockSize) };
  const directories = countDirectories(nodes, geometry.groups, inodesPerGroup);
  const usedInodesIn = (group: number): number => Math.min(Math.max(usedInodes - group * inodesPerGroup, 0), inodesPerGroup);
  return {
    bitmaps(group) {
      bitmaps.blocks.fill(0);
      for (const part of partsIn(used, group)) setBits(bitmaps.blocks, part.start, part.start + part.count);
      setBits(bitmaps.blocks, lengthOfGroup(geometry, group), groupBlocks);
      bitmaps.inodes.fill(0);
      setBits(bitmaps.inodes, 0, usedInodesIn(group));
      setBits(bitmaps.inodes, inodesPerGroup, 8 * blockSize);
      return bitmaps;
    },
    counts(group) {
      const blocks = partsIn(used, group).reduce((sum, { count }) => sum + count, 0);
      const free = inodesPerGroup - usedInodesIn(group);
      return {
        freeBlocks: lengthOfGroup(geometry, group) - blocks,
        freeInodes: free,
        directories: directories[group] ?? 0,
        unusedInodes: free,
      };
    },
  };
}

function countDirectories(nodes: readonly Node[], groups: number, inodesPerGroup: number): Uint32Array {
  const counts = new Uint32Array(groups);
  for (const { entry, number } of nodes) {
    if (entry.type === 'dir') counts[Math.floor((number - 1) / inodesPerGroup)]! += 1;
  }
  return counts;
}

/** The parts of runs that are in a group, their starts counted from its own. */
function partsIn(runs: readonly Run[], group: number): readonly Run[] {
  const from = group * groupBlocks;
  const to = from + groupBlocks;
  return runs
    .filter(({ start, count }) => start < to && start + count > from)
    .map(({ start, count }) => {
      const first = Math.max(start, from);
      return { start: first - from, count: Math.min(start + count, to) - first };
    });
}

/** Sets bits `from` (included) to `to` (not included), the lowest of each byte first. */
function setBits(bits: Buffer, from: number, to: number): void {
  let at = from;
  for (; at < to && at % 8 !== 0; at += 1) bits[at >> 3]! |= 1 << (at & 7);
  if (to - at >= 8) bits.fill(0xff, at >> 3, to >> 3);
  at = Math.max(at, to - (to % 8));
  for (; at < to; at += 1) bits[at >> 3]! |= 1 << (at & 7);
}

/** The descriptors of all groups. With a seed they are checksummed. */
export function encodeDescriptors(layout: Layout, groups: Groups, seed: number | undefined): Buffer {
  const { geometry, blockBitmaps, inodeBitmaps, tables } = layout;
  const all = Buffer.alloc(geometry.descriptorBlocks * blockSize);
  const bitmapPlaces = { blocks: blocksOf(blockBitmaps), inodes: blocksOf(inodeBitmaps) };
  for (let group = 0; group < geometry.groups; group += 1) {
    const bytes = all.subarray(group * geometry.descriptorSize, (group + 1) * geometry.descriptorSize);
    const { freeBlocks, freeInodes, directories, unusedInodes } = groups.counts(group);
    bytes.writeUInt32LE(bitmapPlaces.blocks[group]!, descriptor.blockBitmapLow);
    bytes.writeUInt32LE(bitmapPlaces.inodes[group]!, descriptor.inodeBitmapLow);
    bytes.writeUInt32LE(tables[group]!, descriptor.inodeTableLow);
    bytes.writeUInt16LE(freeBlocks, descriptor.freeBlocksLow);
    bytes.writeUInt16LE(freeInodes, descriptor.freeInodesLow);
    bytes.writeUInt16LE(directories, descriptor.usedDirsLow);
    if (seed === undefined) continue;
    const bitmaps = groups.bitmaps(group);
    const blocksCrc = crc32c(seed, bitmaps.blocks);
    const inodesCrc = crc32c(seed, bitmaps.inodes.subarray(0, geometry.inodesPerGroup / 8));
    // As e2fsck -p would set them: nothing was ever used. The last group is never without a bitmap.
    const noInodes = unusedInodes === geometry.inodesPerGroup ? groupFlags.inodeUninit : 0;
    const noBlocks = freeBlocks === groupBlocks && group < geometry.groups - 1 ? groupFlags.blockUninit : 0;
    bytes.writeUInt16LE(groupFlags.inodeZeroed | noInodes | noBlocks, descriptor.flags);
    bytes.writeUInt16LE(blocksCrc & 0xffff, descriptor.blockBitmapChecksumLow);
    bytes.writeUInt16LE(blocksCrc >>> 16, descriptor.blockBitmapChecksumHigh);
    bytes.writeUInt16LE(inodesCrc & 0xffff, descriptor.inodeBitmapChecksumLow);
    bytes.writeUInt16LE(inodesCrc >>> 16, descriptor.inodeBitmapChecksumHigh);
    bytes.writeUInt16LE(unusedInodes, descriptor.itableUnusedLow);
    bytes.writeUInt16LE(groupChecksum(seed, group, bytes), descriptor.checksum);
  }
  return all;
}

/** Every single block of runs, in order. */
export function blocksOf(runs: readonly Run[]): readonly number[] {
  return runs.flatMap(({ start, count }) => Array.from({ length: count }, (_, at) => start + at));
}
