import { crc32c } from '../disk/crc32c.ts';
import { extentHeader, extentIndex, extentLeaf, extentLength, extentMagic, longestExtent } from '../disk/extent.ts';
import type { FileSystem } from './file-system.ts';
import { isDataBlock, readBlock } from './file-system.ts';
import type { Inode } from './inode.ts';
import { inodeSeed } from './inode.ts';
import type { Piece } from './piece.ts';
import type { Report } from './report.ts';

const mostDepth = 5;
/** Logical block numbers have 32 bits. */
const logicalEnd = 2 ** 32;

/** What a walk through one tree carries with it. */
interface Walk {
  readonly fs: FileSystem;
  readonly inode: Inode;
  readonly report: (what: string) => void;
  /** The logical block that the next entry may begin at. */
  next: number;
}

/**
 * Walks an extent tree from its root in the inode. Entries have to be in order, and a node has to begin where its parent
 * says; so no node is entered twice, and the walk ends whatever the bytes are.
 */
export function* walkExtents(fs: FileSystem, inode: Inode, report: Report): Generator<Piece> {
  const walk = { fs, inode, report: (what: string) => report({ kind: 'inode', inode: inode.number }, what), next: 0 };
  yield* walkNode(walk, inode.map, { depth: undefined, first: undefined, end: logicalEnd });
}

/** What the parent of a node says of it; the root has none. */
interface Expected {
  readonly depth: number | undefined;
  readonly first: number | undefined;
  readonly end: number;
}

function* walkNode(walk: Walk, node: Uint8Array, expected: Expected): Generator<Piece> {
  const view = new DataView(node.buffer, node.byteOffset, node.byteLength);
  const entries = view.getUint16(extentHeader.entries, true);
  const depth = view.getUint16(extentHeader.depth, true);
  const problem = headerProblem(view, expected);
  if (problem !== undefined) {
    walk.report(problem);
    return;
  }
  for (let index = 0; index < entries; index++) {
    const at = (index + 1) * extentLength;
    const logical = view.getUint32(at, true);
    if (index === 0 && expected.first !== undefined && logical !== expected.first) {
      walk.report(`a node of its extent tree begins at block ${String(logical)}, its parent says ${String(expected.first)}`);
      return;
    }
    if (logical < walk.next || logical >= expected.end) {
      walk.report(`its extents are not in order at block ${String(logical)}`);
      return;
    }
    const end = index + 1 < entries ? view.getUint32(at + extentLength, true) : expected.end;
    yield* depth === 0 ? leafEntry(walk, view, at) : indexEntry(walk, view, { at, depth, end: Math.min(end, expected.end) });
  }
}

function headerProblem(view: DataView, { depth: expectedDepth }: Expected): string | undefined {
  const entries = view.getUint16(extentHeader.entries, true);
  const most = view.getUint16(extentHeader.max, true);
  const depth = view.getUint16(extentHeader.depth, true);
  const room = Math.floor((view.byteLength - extentLength) / extentLength);
  if (view.getUint16(extentHeader.magic, true) !== extentMagic) return 'a node of its extent tree has no magic number';
  if (most > room || most < room - 2)
    return `a node of its extent tree has room for ${String(room)} entries, not ${String(most)}`;
  if (entries > most) return `a node of its extent tree has ${String(entries)} entries of at most ${String(most)}`;
  if (expectedDepth === undefined ? depth > mostDepth : depth !== expectedDepth) return 'its extent tree has a wrong depth';
  if (entries === 0 && (expectedDepth !== undefined || depth > 0)) return 'a node of its extent tree is empty';
  return undefined;
}

function* leafEntry(walk: Walk, view: DataView, at: number): Generator<Piece> {
  const logical = view.getUint32(at, true);
  const length = view.getUint16(at + extentLeaf.length, true);
  const written = length <= longestExtent;
  const count = written ? length : length - longestExtent;
  const block = view.getUint32(at + extentLeaf.startLow, true) + view.getUint16(at + extentLeaf.startHigh, true) * 2 ** 32;
  if (count === 0 || logical + count > logicalEnd) {
    walk.report(`its extent at block ${String(logical)} has a wrong length`);
    return;
  }
  walk.next = logical + count;
  if (isDataBlock(walk.fs, block, count)) yield { kind: 'data', logical, block, count, written };
  else walk.report(`its extent at block ${String(logical)} lies outside of the image`);
}

function* indexEntry(
  walk: Walk,
  view: DataView,
  { at, depth, end }: { readonly at: number; readonly depth: number; readonly end: number },
): Generator<Piece> {
  const first = view.getUint32(at, true);
  const block = view.getUint32(at + extentIndex.childLow, true) + view.getUint16(at + extentIndex.childHigh, true) * 2 ** 32;
  if (!isDataBlock(walk.fs, block)) {
    walk.report(`a node of its extent tree lies outside of the image (block ${String(block)})`);
    return;
  }
  yield { kind: 'map', block };
  const node = readBlock(walk.fs, block);
  const seed = inodeSeed(walk.fs, walk.inode);
  if (seed !== undefined) {
    const tail = extentLength * (1 + new DataView(node.buffer, node.byteOffset).getUint16(extentHeader.max, true));
    const stored = tail + 4 <= node.length ? new DataView(node.buffer, node.byteOffset).getUint32(tail, true) : undefined;
    if (stored !== crc32c(seed, node.subarray(0, tail)))
      walk.report(`the checksum of block ${String(block)} of its extent tree is wrong`);
  }
  yield* walkNode(walk, node, { depth: depth - 1, first, end });
}
