import { filesystemSeed, superblockChecksum } from './disk/checksums.ts';
import { compat, incompat, roCompat } from './disk/features.ts';
import { inode, inodeBlockLength, inodeNumbers, maximumLinks } from './disk/inode.ts';
import { superblock, superblockMagic, superblockPlace } from './disk/superblock.ts';
import { groupBlocks, inodeSize } from './geometry.ts';
import type { Groups } from './groups.ts';
import { encodeJournalInode, extraIsize, slotsOf } from './inodes.ts';
import type { Ext4Plan } from './plan.ts';

/** What all metadata checksums start from; undefined without them. */
export function seedOf({ csum, identity }: Ext4Plan): number | undefined {
  return csum ? filesystemSeed(identity.uuid) : undefined;
}

/** The superblock of group 0. No clock: all its times and counts of use are 0. */
export function encodeSuperblock(plan: Ext4Plan, groups: Groups): Buffer {
  const { csum, journal, identity, layout } = plan;
  const { geometry } = layout;
  const bytes = Buffer.alloc(superblockPlace.length);
  const put = (value: number, at: number): unknown => bytes.writeUInt32LE(value, at);
  const put16 = (value: number, at: number): unknown => bytes.writeUInt16LE(value, at);
  const free = countFree(groups, geometry.groups);
  put(geometry.groups * geometry.inodesPerGroup, superblock.inodesCount);
  put(geometry.blocks, superblock.blocksCountLow);
  put(free.blocks, superblock.freeBlocksLow);
  put(free.inodes, superblock.freeInodes);
  put(2, superblock.logBlockSize);
  put(2, superblock.logClusterSize);
  put(groupBlocks, superblock.blocksPerGroup);
  put(groupBlocks, superblock.clustersPerGroup);
  put(geometry.inodesPerGroup, superblock.inodesPerGroup);
  put16(0xffff, superblock.maxMountCount);
  put16(superblockMagic, superblock.magic);
  put16(1, superblock.state);
  put16(1, superblock.errors);
  put(1, superblock.revision);
  put(inodeNumbers.first, superblock.firstInode);
  put16(inodeSize, superblock.inodeSize);
  put(compat.extAttr | (journal ? compat.hasJournal : 0), superblock.featureCompat);
  put(incompat.filetype | incompat.extents | incompat.flexBg | (csum ? incompat.bits64 : 0), superblock.featureIncompat);
  put(readOnlyFeatures(plan), superblock.featureRoCompat);
  identity.uuid.copy(bytes, superblock.uuid);
  bytes.write(plan.label, superblock.volumeName);
  identity.hashSeed.copy(bytes, superblock.hashSeed);
  bytes.writeUInt8(1, superblock.defaultHashVersion);
  put16(csum ? geometry.descriptorSize : 0, superblock.descriptorSize);
  put(defaultMountOptions, superblock.defaultMountOptions);
  put16(extraIsize, superblock.minExtraIsize);
  put16(extraIsize, superblock.wantExtraIsize);
  put(1, superblock.flags);
  bytes.writeUInt8(31, superblock.logGroupsPerFlex);
  bytes.writeUInt8(csum ? 1 : 0, superblock.checksumType);
  if (journal) putJournal(bytes, plan);
  return sealSuperblock(bytes, 0, csum);
}

/** User attributes and ACLs, as mke2fs sets and kernels assume. */
const defaultMountOptions = 0x4 | 0x8;

function readOnlyFeatures({ csum, nodes }: Ext4Plan): number {
  const manyLinks = nodes.some(({ links }) => links > maximumLinks);
  return (
    roCompat.sparseSuper |
    roCompat.largeFile |
    roCompat.extraIsize |
    (manyLinks ? roCompat.dirNlink : 0) |
    (csum ? roCompat.metadataCsum : 0)
  );
}

/** The journal is inode 8, with a copy of what that says; its UUID stays zero, which means that it is inside. */
function putJournal(bytes: Buffer, { layout }: Ext4Plan): void {
  const copy = Buffer.alloc(inodeSize);
  for (const slot of slotsOf(copy)) encodeJournalInode(slot, layout.journal);
  bytes.writeUInt32LE(inodeNumbers.journal, superblock.journalInode);
  bytes.writeUInt8(1, superblock.journalBackupType);
  copy.copy(bytes, superblock.journalBlocks, inode.block, inode.block + inodeBlockLength);
  copy.copy(bytes, superblock.journalBlocks + inodeBlockLength, inode.sizeHigh, inode.sizeHigh + 4);
  copy.copy(bytes, superblock.journalBlocks + inodeBlockLength + 4, inode.sizeLow, inode.sizeLow + 4);
}

/** The same superblock as it stands in `group`. */
export function sealSuperblock(bytes: Buffer, group: number, csum: boolean): Buffer {
  bytes.writeUInt16LE(group, superblock.blockGroup);
  if (csum) bytes.writeUInt32LE(superblockChecksum(bytes), superblock.checksum);
  return bytes;
}

function countFree(groups: Groups, count: number): { readonly blocks: number; readonly inodes: number } {
  let [blocks, inodes] = [0, 0];
  for (let group = 0; group < count; group += 1) {
    const { freeBlocks, freeInodes } = groups.counts(group);
    blocks += freeBlocks;
    inodes += freeInodes;
  }
  return { blocks, inodes };
}
