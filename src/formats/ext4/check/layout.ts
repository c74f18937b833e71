import { groupFlags, hasBackup } from '../disk/group.ts';
import type { FileSystem } from '../read/file-system.ts';
import type { Group } from '../read/group.ts';
import type { Place } from '../read/report.ts';
import type { Checking } from './checking.ts';
import { claimBlocks } from './checking.ts';

/** The first block of a group. */
export function firstBlockOf({ superblock }: FileSystem, group: number): number {
  return superblock.firstDataBlock + group * superblock.blocksPerGroup;
}

/** How many blocks a group has; the last one may be shorter. */
export function blocksIn(fs: FileSystem, group: number): number {
  return Math.min(fs.superblock.blocksPerGroup, fs.superblock.blocks - firstBlockOf(fs, group));
}

/** Does a group hold the superblock, or a copy of it? */
export function holdsSuperblock({ superblock }: FileSystem, group: number): boolean {
  if (superblock.features.has('sparse_super2')) return group === 0 || superblock.backupGroups.includes(group);
  return !superblock.features.has('sparse_super') || hasBackup(group);
}

/** What one group holds besides content: superblock, descriptors and room for more of them, two bitmaps, and inodes. */
export function checkLayout(checking: Checking): void {
  const { fs } = checking;
  const { superblock, geometry } = fs;
  const fixed = 1 + geometry.descriptorBlocks + superblock.reservedDescriptorBlocks;
  for (const { number } of fs.groups) {
    if (!holdsSuperblock(fs, number)) continue;
    if (fixed > blocksIn(fs, number)) {
      checking.report({ kind: 'group', group: number }, 'it is too short for the superblock and the descriptors');
      continue;
    }
    claimBlocks(checking, { kind: 'group', group: number }, { block: firstBlockOf(fs, number), count: fixed });
  }
  for (const group of fs.groups) checkGroup(checking, group);
}

function checkGroup(checking: Checking, group: Group): void {
  const { fs, report } = checking;
  const { superblock, geometry } = fs;
  const place: Place = { kind: 'group', group: group.number };
  const parts = [
    { what: 'block bitmap', block: group.blockBitmap, count: 1 },
    { what: 'inode bitmap', block: group.inodeBitmap, count: 1 },
    { what: 'inode table', block: group.inodeTable, count: geometry.inodeTableBlocks },
  ];
  for (const { what, block, count } of parts) {
    if (isInside(fs, group, [block, count])) {
      const alone = claimBlocks(checking, place, { block, count });
      if (alone && what === 'inode table') checking.tables.add(group.number);
    } else report(place, `its ${what} is at a wrong place (block ${String(block)})`);
  }
  const hasSums = fs.seed !== undefined || superblock.features.has('uninit_bg');
  const unused = (group.flags & (groupFlags.inodeUninit | groupFlags.blockUninit)) !== 0;
  if (!hasSums && (unused || group.unusedInodes !== 0)) report(place, 'it has parts that were never used, but no checksum');
  if (group.number === fs.groups.length - 1 && (group.flags & groupFlags.blockUninit) !== 0 && hasSums)
    report(place, 'it is the last one, and its blocks cannot be unused');
  if (hasSums && group.unusedInodes > Math.min(group.freeInodes, superblock.inodesPerGroup))
    report(place, `it has ${String(group.unusedInodes)} inodes that were never used, more than are free`);
}

function isInside(fs: FileSystem, group: Group, [block, count]: readonly [block: number, count: number]): boolean {
  const flexible = fs.superblock.features.has('flex_bg');
  const first = flexible ? fs.superblock.firstDataBlock : firstBlockOf(fs, group.number);
  const end = flexible ? fs.superblock.blocks : first + blocksIn(fs, group.number);
  return block > 0 && block >= first && block + count <= end;
}
