import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Contents, ImageWriter } from '../file-tree.ts';
import { backups } from './allocator.ts';
import { pourFile } from './contents.ts';
import { encodeDirectory } from './directories.ts';
import { inodeSeed, xattrBlockChecksum } from './disk/checksums.ts';
import { crc32c } from './disk/crc32c.ts';
import { directoryTail } from './disk/directory.ts';
import { extentLength, extentRoom } from './disk/extent.ts';
import { inodeBlockLength, inodeNumbers } from './disk/inode.ts';
import { superblockPlace } from './disk/superblock.ts';
import { xattrHeader } from './disk/xattr.ts';
import { encodeExtents } from './extents.ts';
import { blockSize, groupBlocks, inodeSize } from './geometry.ts';
import { blocksOf, encodeDescriptors, groupsOf } from './groups.ts';
import { encodeInode, encodeJournalInode, nodeIndex, sealInode, slotsOf } from './inodes.ts';
import { encodeJournal } from './journal.ts';
import type { Placement } from './layout.ts';
import type { Node } from './nodes.ts';
import type { Ext4Plan } from './plan.ts';
import { sinkInto } from './sink.ts';
import type { Sink } from './sink.ts';
import { encodeSuperblock, sealSuperblock, seedOf } from './superblocks.ts';
import { encodeBlockXattrs } from './xattrs.ts';

/** The work at hand. */
interface Job {
  readonly plan: Ext4Plan;
  readonly sink: Sink;
  readonly seed: number | undefined;
}

/**
 * Writes the planned image, from its start to its end but for the copies of the superblock. Throws (PK3504) if a file is not
 * as planned; the image is then of no use.
 */
export async function writeExt4(
  plan: Ext4Plan,
  { contents, image }: { readonly contents: Contents; readonly image: ImageWriter },
  signal: AbortSignal,
): Promise<void> {
  signal.throwIfAborted();
  image.setSize(plan.size);
  const job: Job = { plan, sink: sinkInto(image), seed: seedOf(plan) };
  const copy = writeFront(job);
  writeInodes(job);
  writeJournal(job);
  writeMetadata(job);
  await writeContents(job, contents, signal);
  writeCopies(job, copy);
  job.sink.flush();
}

/** Superblock, descriptors and bitmaps. Gives what copies of the first two consist of. */
function writeFront({ plan, sink, seed }: Job): { readonly superblock: Buffer; readonly descriptors: Buffer } {
  const { layout, nodes } = plan;
  const groups = groupsOf(layout, nodes);
  const superblock = encodeSuperblock(plan, groups);
  const descriptors = encodeDescriptors(layout, groups, seed);
  sink.put(superblock, superblockPlace.at);
  sink.put(descriptors, blockSize);
  for (const [group, block] of blocksOf(layout.blockBitmaps).entries()) sink.put(groups.bitmaps(group).blocks, block * blockSize);
  for (const [group, block] of blocksOf(layout.inodeBitmaps).entries()) sink.put(groups.bitmaps(group).inodes, block * blockSize);
  return { superblock, descriptors };
}

/** The inode tables, as far as they are used. */
function writeInodes({ plan, sink, seed }: Job): void {
  const { layout, nodes } = plan;
  const { inodesPerGroup } = layout.geometry;
  const last = nodes.length + inodeNumbers.first - 2;
  const block = Buffer.alloc(blockSize);
  const slots = slotsOf(block);
  for (let first = 1; first <= last; first += blockSize / inodeSize) {
    block.fill(0);
    for (let number = first; number <= last && number < first + blockSize / inodeSize; number += 1) {
      const slot = slots[number - first]!;
      const index = nodeIndex(number);
      if (index !== undefined) encodeInode(slot, nodes[index]!, layout.placements[index]!);
      else if (number === inodeNumbers.journal && plan.journal) encodeJournalInode(slot, layout.journal);
      // Reserved ones without a use stay all zero, which needs no checksum.
      else continue;
      if (seed !== undefined) sealInode(slot.bytes, number, seed);
    }
    const group = Math.floor((first - 1) / inodesPerGroup);
    sink.put(block, layout.tables[group]! * blockSize + ((first - 1) % inodesPerGroup) * inodeSize);
  }
}

/** The first block of the journal says that it is empty; the others are never read. */
function writeJournal(job: Job): void {
  const { identity, layout } = job.plan;
  const [first] = layout.journal.extents;
  if (first === undefined) return;
  job.sink.put(encodeJournal(layout.geometry.journalBlocks, identity.uuid), first.start * blockSize);
  writeTree(job, inodeNumbers.journal, layout.journal);
}

/** Attribute blocks, directories and targets of long links, in the order of their blocks. */
function writeMetadata(job: Job): void {
  const { layout, nodes } = job.plan;
  for (let at = 0; at < nodes.length; at += 1) {
    const [node, placement] = [nodes[at]!, layout.placements[at]!];
    const { entry } = node;
    if (placement.xattrBlock !== 0) writeXattrs(job, node, placement.xattrBlock);
    if (entry.type === 'dir') writeDirectory(job, node, placement);
    else if (entry.type === 'symlink' && placement.extents.length > 0) {
      job.sink.put(Buffer.from(entry.target, 'latin1'), placement.extents[0]!.start * blockSize);
    }
    if (entry.type !== 'file') writeTree(job, node.number, placement);
  }
}

function writeXattrs({ sink, seed }: Job, node: Node, block: number): void {
  const bytes = Buffer.alloc(blockSize);
  encodeBlockXattrs(bytes, node.xattrs.inBlock);
  if (seed !== undefined) bytes.writeUInt32LE(xattrBlockChecksum(seed, block, bytes), xattrHeader.checksum);
  sink.put(bytes, block * blockSize);
}

function writeDirectory({ sink, seed }: Job, node: Node, { extents }: Placement): void {
  const count = extents.reduce((sum, extent) => sum + extent.count, 0);
  const blocks = Buffer.alloc(count * blockSize);
  encodeDirectory(blocks, node, seed !== undefined);
  if (seed !== undefined) {
    const own = inodeSeed(seed, node.number, 0);
    for (let end = blockSize; end <= blocks.length; end += blockSize) {
      const tail = end - directoryTail.length;
      blocks.writeUInt32LE(crc32c(own, blocks.subarray(end - blockSize, tail)), tail + directoryTail.checksum);
    }
  }
  for (const { logical, start, count: length } of extents) {
    sink.put(blocks.subarray(logical * blockSize, (logical + length) * blockSize), start * blockSize);
  }
}

/** The blocks of an extent tree that does not fit in its inode. */
function writeTree({ sink, seed }: Job, number: number, placement: Placement): void {
  if (placement.treeBlocks.length === 0) return;
  for (const { block, bytes } of encodeExtents(Buffer.alloc(inodeBlockLength), placement)) {
    const tail = extentLength * (extentRoom.block + 1);
    if (seed !== undefined) bytes.writeUInt32LE(crc32c(inodeSeed(seed, number, 0), bytes.subarray(0, tail)), tail);
    sink.put(bytes, block * blockSize);
  }
}

/** After so many files the event loop gets a turn, so that a signal can arrive. */
const filesOfTurn = 512;

async function writeContents(job: Job, contents: Contents, signal: AbortSignal): Promise<void> {
  const { layout, nodes } = job.plan;
  let files = 0;
  for (let at = 0; at < nodes.length; at += 1) {
    const [node, placement] = [nodes[at]!, layout.placements[at]!];
    const { entry } = node;
    if (entry.type !== 'file' || entry.size === 0) continue;
    const pending = pourFile({ file: entry, extents: placement.extents }, { contents, sink: job.sink }, signal);
    if (pending !== undefined) await pending;
    writeTree(job, node.number, placement);
    files += 1;
    if (files % filesOfTurn === 0) await nextTurn();
    signal.throwIfAborted();
  }
}

function writeCopies({ plan, sink }: Job, { superblock, descriptors }: { superblock: Buffer; descriptors: Buffer }): void {
  for (const { start } of backups(plan.layout.geometry)) {
    sink.put(sealSuperblock(superblock, start / groupBlocks, plan.csum), start * blockSize);
    sink.put(descriptors, (start + 1) * blockSize);
  }
}
