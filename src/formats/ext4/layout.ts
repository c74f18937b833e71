import { allocator, backups } from './allocator.ts';
import type { Allocator, Extent, Run } from './allocator.ts';
import { directoryBlocks } from './directories.ts';
import { extentRoom } from './disk/extent.ts';
import { inodeBlockLength } from './disk/inode.ts';
import { blockSize } from './geometry.ts';
import type { Geometry } from './geometry.ts';
import type { Node } from './nodes.ts';
import type { DataRange } from './options.ts';
import { cannotHold } from './refuse.ts';

/** What one inode takes, before it is placed: runs of blocks of the file (one from 0, but for files with holes). */
export interface Demand {
  readonly node: Node;
  readonly runs: readonly { readonly logical: number; readonly count: number }[];
  readonly xattrBlock: boolean;
}

/** Where the blocks of one inode are. */
export interface Placement {
  readonly extents: readonly Extent[];
  /** The blocks of the extent tree outside the inode, leaves first. */
  readonly treeBlocks: readonly number[];
  /** 0 without one. */
  readonly xattrBlock: number;
}

/** Where everything is. */
export interface Layout {
  readonly geometry: Geometry;
  readonly blockBitmaps: readonly Run[];
  readonly inodeBitmaps: readonly Run[];
  /** The first block of each group's inodes. */
  readonly tables: readonly number[];
  readonly journal: Placement;
  /** As the nodes. */
  readonly placements: readonly Placement[];
  /** The block after the last that is used, but for copies of the superblock. */
  readonly end: number;
  /** All blocks in use, ascending, touching ones not always joined. */
  readonly used: readonly Run[];
}

/** What a node takes. `ranges` are those of a file with holes. */
export function demandOf(node: Node, csum: boolean, ranges: readonly DataRange[] | undefined): Demand {
  return { node, runs: runsOf(node, csum, ranges), xattrBlock: node.xattrs.inBlock.length > 0 };
}

function runsOf(node: Node, csum: boolean, ranges: readonly DataRange[] | undefined): Demand['runs'] {
  const { entry } = node;
  if (entry.type === 'dir') return [{ logical: 0, count: directoryBlocks(node, csum) }];
  if (entry.type === 'symlink') return entry.target.length < inodeBlockLength ? [] : [{ logical: 0, count: 1 }];
  if (entry.type !== 'file' || entry.size === 0) return [];
  if (ranges === undefined) return [{ logical: 0, count: Math.ceil(entry.size / blockSize) }];
  const runs: { logical: number; count: number }[] = [];
  for (const { start, end } of ranges) {
    const from = Math.floor(start / blockSize);
    const to = Math.ceil(Math.min(end, entry.size) / blockSize);
    const last = runs.at(-1);
    const next = last === undefined ? 0 : last.logical + last.count;
    if (!(start < end && (last === undefined || from >= next - 1) && start >= 0)) {
      throw cannotHold(entry.path, 'the ranges of its data are not ascending');
    }
    if (last !== undefined && from <= next) last.count = Math.max(next, to) - last.logical;
    else if (to > from) runs.push({ logical: from, count: to - from });
  }
  return runs;
}

/** How many blocks demands take at least: extent trees and gaps come on top. */
export function demandedBlocks(demands: readonly Demand[]): number {
  let sum = 0;
  for (const { runs, xattrBlock } of demands) {
    for (const { count } of runs) sum += count;
    if (xattrBlock) sum += 1;
  }
  return sum;
}

/** Where a layout ends at the earliest, without placing anything. */
export function earliestEnd({ groups, descriptorBlocks, tableBlocks, journalBlocks }: Geometry, demanded: number): number {
  return 1 + descriptorBlocks + groups * (2 + tableBlocks) + journalBlocks + demanded;
}

/** Places everything: bitmaps, inodes, journal, then directories, links and attributes, then the data of files. */
export function layOut(geometry: Geometry, demands: readonly Demand[]): Layout {
  const free = allocator(geometry);
  const blockBitmaps = free.extents(geometry.groups, 0);
  const inodeBitmaps = free.extents(geometry.groups, 0);
  const tables = Array.from({ length: geometry.groups }, () => free.contiguous(geometry.tableBlocks));
  const journal = place(free, [{ logical: 0, count: geometry.journalBlocks }], 0);
  const placements = demands.map(({ node, runs, xattrBlock }): Placement => {
    const block = xattrBlock ? free.contiguous(1) : 0;
    if (node.entry.type !== 'file' && runs.length > 0) return place(free, runs, block);
    return block === 0 ? nothing : { ...nothing, xattrBlock: block };
  });
  for (let at = 0; at < demands.length; at += 1) {
    const { node, runs } = demands[at]!;
    if (node.entry.type === 'file' && runs.length > 0) placements[at] = place(free, runs, placements[at]!.xattrBlock);
  }
  const used = usedRuns(geometry, free);
  return { geometry, blockBitmaps, inodeBitmaps, tables, journal, placements, end: free.end, used };
}

const noBlocks: readonly number[] = [];
const nothing: Placement = { extents: [], treeBlocks: noBlocks, xattrBlock: 0 };

function place(free: Allocator, runs: Demand['runs'], xattrBlock: number): Placement {
  const [first] = runs;
  const extents =
    runs.length === 1 && first !== undefined
      ? free.extents(first.count, first.logical)
      : runs.flatMap(({ count, logical }) => free.extents(count, logical));
  if (extents.length <= extentRoom.inode) return { extents, treeBlocks: noBlocks, xattrBlock };
  const treeBlocks: number[] = [];
  for (let level = extents.length; level > extentRoom.inode;) {
    level = Math.ceil(level / extentRoom.block);
    for (let at = 0; at < level; at += 1) treeBlocks.push(free.contiguous(1));
  }
  return { extents, treeBlocks, xattrBlock };
}

/** From the start to the end of what was given out, but for the gaps; and the copies, most of which are in that anyway. */
function usedRuns(geometry: Geometry, free: Allocator): readonly Run[] {
  const used: Run[] = [];
  let from = 0;
  for (const gap of free.gaps) {
    used.push({ start: from, count: gap.start - from });
    from = gap.start + gap.count;
  }
  used.push({ start: from, count: free.end - from });
  return [...used, ...backups(geometry).filter(({ start }) => start >= free.end)];
}
