import { crc32c } from '../disk/crc32c.ts';
import { groupFlags } from '../disk/group.ts';
import { modeTypes } from '../disk/inode.ts';
import type { FileSystem } from '../read/file-system.ts';
import { isDataBlock, readBlock } from '../read/file-system.ts';
import type { Group } from '../read/group.ts';
import { superblockPlace } from '../read/report.ts';
import type { Checking } from './checking.ts';
import { blocksIn } from './layout.ts';

/** The fifth pass: bitmaps and counts say what the others found. */
export function checkBitmaps(checking: Checking): void {
  const { fs, report } = checking;
  let freeBlocks = 0;
  let freeInodes = 0;
  for (const group of fs.groups) {
    checking.signal.throwIfAborted();
    const free = { blocks: checkBlocks(checking, group), inodes: checkInodeBits(checking, group) };
    freeBlocks += free.blocks;
    freeInodes += free.inodes;
    expectCount(checking, group, ['free blocks', group.freeBlocks, free.blocks]);
    expectCount(checking, group, ['free inodes', group.freeInodes, free.inodes]);
  }
  const { superblock } = fs;
  if (superblock.freeBlocks !== freeBlocks)
    report(superblockPlace, `it says ${String(superblock.freeBlocks)} free blocks, there are ${String(freeBlocks)}`);
  if (superblock.freeInodes !== freeInodes)
    report(superblockPlace, `it says ${String(superblock.freeInodes)} free inodes, there are ${String(freeInodes)}`);
}

function expectCount(
  { report }: Checking,
  group: Group,
  [what, said, counted]: readonly [what: string, said: number, counted: number],
): void {
  if (said !== counted) report({ kind: 'group', group: group.number }, `it says ${String(said)} ${what}, has ${String(counted)}`);
}

/** Compares the block bitmap of a group; gives how many blocks are free. */
function checkBlocks(checking: Checking, group: Group): number {
  const { fs, usage } = checking;
  const count = blocksIn(fs, group.number);
  const known = usage.bitsOf(group.number);
  const used = known ?? new Uint8Array(fs.geometry.blockSize);
  const unwritten = hasSums(fs) && (group.flags & groupFlags.blockUninit) !== 0;
  if (!unwritten && isDataBlock(fs, group.blockBitmap)) {
    compare(checking, group, {
      what: 'block',
      bitmap: readBlock(fs, group.blockBitmap),
      used,
      count,
      all: fs.superblock.blocksPerGroup,
    });
  }
  return known === undefined ? count : count - countBits(used);
}

/** Compares the inode bitmap of a group, and its count of directories; gives how many inodes are free. */
function checkInodeBits(checking: Checking, group: Group): number {
  const { fs, facts } = checking;
  const count = fs.superblock.inodesPerGroup;
  const used = new Uint8Array(fs.geometry.blockSize);
  let directories = 0;
  for (let index = 0; facts.inGroup(group.number) && index < count; index++) {
    const inode = group.number * count + index + 1;
    if (!facts.isUsed(inode)) continue;
    used[index >>> 3] = (used[index >>> 3] ?? 0) | (1 << (index % 8));
    if (facts.typeOf(inode) === modeTypes.dir) directories++;
  }
  const unwritten = hasSums(fs) && (group.flags & groupFlags.inodeUninit) !== 0;
  if (!unwritten && isDataBlock(fs, group.inodeBitmap)) {
    compare(checking, group, { what: 'inode', bitmap: readBlock(fs, group.inodeBitmap), used, count, all: count });
  }
  expectCount(checking, group, ['directories', group.directories, directories]);
  return count - countBits(used);
}

interface Bits {
  readonly what: 'block' | 'inode';
  readonly bitmap: Uint8Array;
  readonly used: Uint8Array;
  /** How many bits stand for something; those behind are filling. */
  readonly count: number;
  /** How many bits the checksum is over. */
  readonly all: number;
}

function compare({ fs, report }: Checking, group: Group, { what, bitmap, used, count, all }: Bits): void {
  const place = { kind: 'group', group: group.number } as const;
  const wrong = differences(bitmap, used, count);
  if (wrong.unmarked > 0)
    report(place, `its ${what} bitmap has ${String(wrong.unmarked)} as free that ${wrong.unmarked === 1 ? 'is' : 'are'} in use`);
  if (wrong.marked > 0)
    report(place, `its ${what} bitmap has ${String(wrong.marked)} as used that ${wrong.marked === 1 ? 'is' : 'are'} free`);
  for (let bit = count; bit < bitmap.length * 8; bit++) {
    if (((bitmap[bit >>> 3] ?? 0) & (1 << (bit % 8))) !== 0) continue;
    report(place, `the filling at the end of its ${what} bitmap is not set`);
    break;
  }
  if (fs.seed === undefined) return;
  const sum = crc32c(fs.seed, bitmap.subarray(0, all / 8));
  const stored = what === 'block' ? group.blockBitmapChecksum : group.inodeBitmapChecksum;
  if (stored !== (group.bytes.length >= 64 ? sum : sum & 0xffff)) report(place, `the checksum of its ${what} bitmap is wrong`);
}

function differences(
  bitmap: Uint8Array,
  used: Uint8Array,
  count: number,
): { readonly marked: number; readonly unmarked: number } {
  let marked = 0;
  let unmarked = 0;
  for (let bit = 0; bit < count; bit++) {
    const [said, is] = [bitmap[bit >>> 3] ?? 0, used[bit >>> 3] ?? 0];
    if (said === is) {
      bit |= 7;
      continue;
    }
    const mask = 1 << (bit % 8);
    if ((said & mask) !== 0 && (is & mask) === 0) marked++;
    if ((said & mask) === 0 && (is & mask) !== 0) unmarked++;
  }
  return { marked, unmarked };
}

/** Bits are only set below `count`. */
function countBits(bits: Uint8Array): number {
  let found = 0;
  for (let byte of bits) for (; byte !== 0; byte &= byte - 1) found++;
  return found;
}

function hasSums(fs: FileSystem): boolean {
  return fs.seed !== undefined || fs.superblock.features.has('uninit_bg');
}
