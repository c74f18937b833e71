import { groupFlags } from '../disk/group.ts';
import { inodeFlags, inodeNumbers, modeTypes } from '../disk/inode.ts';
import { superblock as superblockAt } from '../disk/superblock.ts';
import type { Group } from '../read/group.ts';
import type { Inode } from '../read/inode.ts';
import { checkInodeSum, parseInode, typeOf } from '../read/inode.ts';
import { piecesOf } from '../read/map.ts';
import type { Checking } from './checking.ts';
import { claimBlocks } from './checking.ts';
import { checkContent } from './content.ts';
import { checkFields } from './fields.ts';
import { checkJournal } from './journal.ts';
import { checkResize } from './resize.ts';

/** What no reserved inode is, whatever else it holds. */
const notReserved = inodeFlags.casefold | inodeFlags.inlineData | inodeFlags.eaInode | inodeFlags.encrypted;
/** The inode that owns the blocks that cannot be written. */
const badBlocks = 1;

/** The first pass: every inode by itself, and what blocks it uses. */
export function checkInodes(checking: Checking): void {
  const { fs } = checking;
  const hasSums = fs.seed !== undefined || fs.superblock.features.has('uninit_bg');
  for (let inode = 1; inode < fs.superblock.firstInode; inode++) checking.facts.reserve(inode);
  for (const group of fs.groups) {
    checking.signal.throwIfAborted();
    if (!checking.tables.has(group.number) || (hasSums && (group.flags & groupFlags.inodeUninit) !== 0)) continue;
    checkGroupInodes(checking, group, hasSums ? group.unusedInodes : 0);
  }
}

function checkGroupInodes(checking: Checking, { number }: Group, unused: number): void {
  const perGroup = checking.fs.superblock.inodesPerGroup;
  const empty = Buffer.alloc(checking.fs.superblock.inodeSize);
  for (let index = 0; index < perGroup - unused; index++) {
    const bytes = checking.table(number * perGroup + index + 1);
    if (bytes === undefined) return;
    if (Buffer.compare(bytes, empty) !== 0) checkInode(checking, parseInode(number * perGroup + index + 1, bytes));
    else if (number === 0 && index + 1 === inodeNumbers.root) checking.report({ kind: 'inode', inode: 2 }, 'there is no root');
  }
}

function checkInode(checking: Checking, inode: Inode): void {
  const { fs, report, facts } = checking;
  const { superblock } = fs;
  const place = { kind: 'inode', inode: inode.number } as const;
  checkInodeSum(fs, inode, report);
  if (inode.deleted !== 0 && inode.deleted < superblock.inodes && hasClock(superblock.bytes, superblock.inodes))
    report(place, 'it is in a list of deleted inodes');
  const special = inode.number < superblock.firstInode && inode.number !== inodeNumbers.root;
  if (special || superblock.ownFiles.includes(inode.number)) {
    if (inode.number >= superblock.firstInode) facts.reserve(inode.number);
    checkReserved(checking, inode);
    return;
  }
  if (inode.links === 0) {
    if (inode.number === inodeNumbers.root) report(place, 'the root has no links');
    else if (inode.deleted === 0 && inode.mode !== 0) report(place, 'it is deleted, but has no time of that');
    return;
  }
  if (inode.deleted !== 0) report(place, 'it is in use, but has a time of deletion');
  facts.add(inode.number, { type: typeOf(inode), links: inode.links });
  if (typeOf(inode) === modeTypes.dir) checking.directories.push(inode.number);
  else if (inode.number === inodeNumbers.root) report(place, 'the root is no directory');
  checkFields(checking, inode);
  checkContent(checking, inode);
}

/** Small numbers in the time of deletion are numbers of inodes, unless the clock was that far back. */
function hasClock(bytes: Uint8Array, inodes: number): boolean {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return [superblockAt.writeTime, superblockAt.mountTime, superblockAt.mkfsTime].every((at) => {
    const time = view.getUint32(at, true);
    return time === 0 || time >= inodes;
  });
}

function checkReserved(checking: Checking, inode: Inode): void {
  const { fs, report } = checking;
  const { superblock } = fs;
  const place = { kind: 'inode', inode: inode.number } as const;
  const isFile = typeOf(inode) === modeTypes.file;
  if ((inode.flags & notReserved) !== 0) report(place, 'it is reserved and has flags that it cannot have');
  if (inode.number === inodeNumbers.journal && superblock.journalInode === inode.number) {
    if (!isFile) report(place, 'the journal is no file');
    checkContent(checking, inode);
    if (superblock.features.has('has_journal')) checkJournal(checking, inode);
  } else if (inode.number === inodeNumbers.resize) {
    if (inode.mode !== 0 && !isFile) report(place, 'it is reserved and of a wrong kind');
    checkResize(checking, inode);
  } else if (superblock.ownFiles.includes(inode.number) || (isQuota(inode.number) && superblock.features.has('quota'))) {
    if (!isFile) report(place, 'it is reserved and of a wrong kind');
    checkContent(checking, inode);
  } else if (inode.number === badBlocks) {
    const used = inode.mode !== 0 || inode.uid !== 0 || inode.gid !== 0 || inode.links !== 0 || inode.xattrBlock !== 0;
    if (used) report(place, 'the inode of bad blocks is malformed');
    for (const { block, ...piece } of piecesOf(fs, inode, report))
      claimBlocks(checking, place, { block, count: piece.kind === 'map' ? 1 : piece.count });
  } else {
    if (inode.mode !== 0) report(place, 'it is reserved and of a wrong kind');
    if (inode.links !== 0 || inode.sectors !== 0 || inode.map.some((byte) => byte !== 0))
      report(place, 'it is reserved and not empty');
  }
}

function isQuota(inode: number): boolean {
  return inode === 3 || inode === 4;
}
