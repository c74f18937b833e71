import type { ByteString } from '../../base/byte-string.ts';
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

/** What one inode takes, before it is placed. */
export interface Demand {
  readonly node: Node;
  /** Blocks of its content: all from the first on, or those of `runs`. */
  readonly count: number;
  /** Of a file with holes. */
  readonly runs: readonly FileRun[] | undefined;
  readonly xattrBlock: boolean;
}

/** Blocks of a file that follow each other. */
interface FileRun {
  readonly logical: number;
  readonly count: number;
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
  const { entry, xattrs } = node;
  const xattrBlock = xattrs.inBlock.length > 0;
  if (entry.type !== 'file' || ranges === undefined)
    return { node, count: blocksOfContent(node, csum), runs: undefined, xattrBlock };
  const runs = runsOf(entry, ranges);
  return { node, count: runs.reduce((sum, { count }) => sum + count, 0), runs, xattrBlock };
}

function blocksOfContent(node: Node, csum: boolean): number {
  const { entry } = node;
  if (entry.type === 'file') return Math.ceil(entry.size / blockSize);
  if (entry.type === 'dir') return directoryBlocks(node, csum);
  return entry.type === 'symlink' && entry.target.length >= inodeBlockLength ? 1 : 0;
}

/** The blocks that ranges touch; two ranges may share one. */
function runsOf({ path, size }: { path: ByteString; size: number }, ranges: readonly DataRange[]): readonly FileRun[] {
  const runs: { logical: number; count: number }[] = [];
  let before = 0;
  for (const { start, end } of ranges) {
    if (!(start >= before && end > start)) throw cannotHold(path, 'the ranges of its data are not ascending');
    before = end;
    const from = Math.floor(start / blockSize);
    const to = Math.ceil(Math.min(end, size) / blockSize);
    const last = runs.at(-1);
    if (last !== undefined && from <= last.logical + last.count) last.count = Math.max(last.count, to - last.logical);
    else if (to > from) runs.push({ logical: from, count: to - from });
  }
  return runs;
}

/** How many blocks demands take at least: extent trees and gaps come on top. */
export function demandedBlocks(demands: readonly Demand[]): number {
  let sum = 0;
  for (const { count, xattrBlock } of demands) sum += count + (xattrBlock ? 1 : 0);
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
  const journal = place(free, { count: geometry.journalBlocks, runs: undefined }, 0);
  const placements = demands.map((demand): Placement => {
    const block = demand.xattrBlock ? free.contiguous(1) : 0;
    if (demand.node.entry.type !== 'file' && demand.count > 0) return place(free, demand, block);
    return block === 0 ? nothing : { ...nothing, xattrBlock: block };
  });
  for (let at = 0; at < demands.length; at += 1) {
    const demand = demands[at]!;
    if (demand.node.entry.type === 'file' && demand.count > 0) placements[at] = place(free, demand, placements[at]!.xattrBlock);
  }
  const used = usedRuns(geometry, free);
  return { geometry, blockBitmaps, inodeBitmaps, tables, journal, placements, end: free.end, used };
}

const noBlocks: readonly number[] = [];
const nothing: Placement = { extents: [], treeBlocks: noBlocks, xattrBlock: 0 };

function place(free: Allocator, { count, runs }: Pick<Demand, 'count' | 'runs'>, xattrBlock: number): Placement {
  const extents = runs === undefined ? free.extents(count, 0) : runs.flatMap((run) => free.extents(run.count, run.logical));
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
