import type { Extent } from './allocator.ts';
import { extentHeader, extentIndex, extentLeaf, extentLength, extentMagic, extentRoom } from './disk/extent.ts';
import { blockSize } from './geometry.ts';
import type { Placement } from './layout.ts';

/** A block of an extent tree. */
export interface TreeBlock {
  readonly block: number;
  readonly bytes: Buffer;
}

/** A child of an index: the first block of the file below it, and its place. */
interface Pointer {
  readonly logical: number;
  readonly block: number;
}

/** Writes the root of the extent tree into an inode's 60 bytes; gives the blocks of its lower levels, in their order. */
export function encodeExtents(root: Buffer, { extents, treeBlocks }: Placement): readonly TreeBlock[] {
  if (extents.length <= extentRoom.inode) {
    encodeHeader(root, { entries: extents.length, max: extentRoom.inode, depth: 0 });
    for (let at = 0; at < extents.length; at += 1) encodeLeaf(root, at, extents[at]!);
    return [];
  }
  const made: TreeBlock[] = [];
  let level: readonly Pointer[] = inBlocks(extents, (bytes, at, extent) => encodeLeaf(bytes, at, extent), 0);
  let depth = 1;
  while (level.length > extentRoom.inode) level = inBlocks(level, encodeIndex, depth++);
  encodeHeader(root, { entries: level.length, max: extentRoom.inode, depth });
  for (const [at, pointer] of level.entries()) encodeIndex(root, at, pointer);
  return made;

  function inBlocks<T extends { readonly logical: number }>(
    items: readonly T[],
    encode: (bytes: Buffer, at: number, item: T) => void,
    ofDepth: number,
  ): readonly Pointer[] {
    const pointers: Pointer[] = [];
    for (let from = 0; from < items.length; from += extentRoom.block) {
      const some = items.slice(from, from + extentRoom.block);
      const block = treeBlocks[made.length]!;
      const bytes = Buffer.alloc(blockSize);
      encodeHeader(bytes, { entries: some.length, max: extentRoom.block, depth: ofDepth });
      for (const [at, item] of some.entries()) encode(bytes, at, item);
      made.push({ block, bytes });
      pointers.push({ logical: some[0]!.logical, block });
    }
    return pointers;
  }
}

function encodeHeader(node: Buffer, { entries, max, depth }: { entries: number; max: number; depth: number }): void {
  node.writeUInt16LE(extentMagic, extentHeader.magic);
  node.writeUInt16LE(entries, extentHeader.entries);
  node.writeUInt16LE(max, extentHeader.max);
  node.writeUInt16LE(depth, extentHeader.depth);
}

function encodeLeaf(node: Buffer, at: number, { logical, start, count }: Extent): void {
  const entry = extentLength * (at + 1);
  node.writeUInt32LE(logical, entry + extentLeaf.logical);
  node.writeUInt16LE(count, entry + extentLeaf.length);
  node.writeUInt32LE(start, entry + extentLeaf.startLow);
}

function encodeIndex(node: Buffer, at: number, { logical, block }: Pointer): void {
  const entry = extentLength * (at + 1);
  node.writeUInt32LE(logical, entry + extentIndex.logical);
  node.writeUInt32LE(block, entry + extentIndex.childLow);
}
