import type { ImageReader } from '../../file-tree.ts';
import { superblockMagic } from '../disk/superblock.ts';
import { unreadFeatures } from './features.ts';
import type { Report } from './report.ts';
import { superblockPlace, tooMuch, unread } from './report.ts';
import type { Superblock } from './superblock.ts';

/** Where the parts of a file system are, as far as its superblock alone says. */
export interface Geometry {
  readonly blockSize: number;
  readonly groups: number;
  readonly inodesPerGroup: number;
  readonly inodeTableBlocks: number;
  readonly descriptorBlocks: number;
}

/** 32 TiB in groups of the usual size. */
const mostGroups = 2 ** 18;

/**
 * The geometry that a superblock gives. Without a sound one nothing can be found, so what is wrong here ends the reading, or
 * the checking, whatever `report` does: then undefined is returned. An image of features that are not known is PK3552, one of too many groups PK3553.
 */
export function geometryOf(superblock: Superblock, image: ImageReader, report: Report): Geometry | undefined {
  if (superblock.magic !== superblockMagic) return wrong(report, ['the magic number is not that of ext4']);
  if (superblock.revision > 1) throw unread(`its revision is ${String(superblock.revision)}`);
  const unknown = unreadFeatures(superblock.features);
  if (unknown.length > 0) throw unread(reasonOf(unknown));
  const blockSize = 1024 * 2 ** superblock.logBlockSize;
  const groups = Math.ceil((superblock.blocks - superblock.firstDataBlock) / superblock.blocksPerGroup);
  const problems = superblock.logBlockSize > 6 ? ['the block size is out of range'] : problemsOf(superblock, blockSize, groups);
  if (problems.length === 0 && superblock.blocks * blockSize > image.size)
    problems.push(
      `it has ${String(superblock.blocks)} blocks of ${String(blockSize)} bytes, the image ${String(image.size)} bytes`,
    );
  if (problems.length > 0) return wrong(report, problems);
  if (groups > mostGroups) throw tooMuch(`it has ${String(groups)} block groups`);
  return {
    blockSize,
    groups,
    inodesPerGroup: superblock.inodesPerGroup,
    inodeTableBlocks: Math.ceil((superblock.inodesPerGroup * superblock.inodeSize) / blockSize),
    descriptorBlocks: Math.ceil((groups * superblock.descriptorSize) / blockSize),
  };
}

function problemsOf(superblock: Superblock, blockSize: number, groups: number): string[] {
  const { inodesPerGroup, blocksPerGroup, inodeSize, descriptorSize, features } = superblock;
  const most = blockSize * 8;
  const rules: readonly (readonly [ok: boolean, what: string])[] = [
    [superblock.logClusterSize === superblock.logBlockSize, 'clusters are not as large as blocks'],
    [superblock.clustersPerGroup === blocksPerGroup, 'a group has another number of clusters than of blocks'],
    [superblock.firstDataBlock === (blockSize === 1024 ? 1 : 0), 'the first data block is at the wrong place'],
    [
      blocksPerGroup >= 256 && blocksPerGroup <= most && blocksPerGroup % 8 === 0,
      'the number of blocks in a group is not allowed',
    ],
    [
      superblock.blocks > superblock.firstDataBlock && Number.isSafeInteger(superblock.blocks * blockSize),
      'the number of blocks is not possible',
    ],
    [isPowerOfTwo(inodeSize) && inodeSize >= 128 && inodeSize <= blockSize, 'the size of inodes is not allowed'],
    [inodesPerGroup > 0 && inodesPerGroup <= most && inodesPerGroup % 8 === 0, 'the number of inodes in a group is not allowed'],
    [
      superblock.inodes === inodesPerGroup * groups,
      `it has ${String(superblock.inodes)} inodes, should have ${String(inodesPerGroup * groups)}`,
    ],
    [superblock.firstInode >= 11 && superblock.firstInode <= superblock.inodes, 'the first inode for files is out of range'],
    [
      features.has('64bit') ? isPowerOfTwo(descriptorSize) && descriptorSize >= 64 && descriptorSize <= 1024 : true,
      'the size of group descriptors is not allowed',
    ],
    [!features.has('metadata_csum') || superblock.checksumType === 1, 'the type of checksums is not known'],
    [!(features.has('metadata_csum') && features.has('uninit_bg')), 'it has two kinds of group checksums'],
  ];
  return rules.filter(([ok]) => !ok).map(([, what]) => what);
}

function reasonOf(unknown: readonly string[]): string {
  if (unknown.includes('needs_recovery')) return 'its journal holds changes that are not in the files yet (needs_recovery)';
  return `it uses ${unknown.join(', ')}, which ${unknown.length === 1 ? 'is' : 'are'} not read`;
}

function wrong(report: Report, problems: readonly string[]): undefined {
  for (const what of problems) report(superblockPlace, what);
}

function isPowerOfTwo(value: number): boolean {
  return value > 0 && (value & (value - 1)) === 0;
}
