import { superblockChecksum } from '../disk/checksums.ts';
import { superblock as at, superblockPlace as first } from '../disk/superblock.ts';
import { superblockPlace } from '../read/report.ts';
import { parseSuperblock } from '../read/superblock.ts';
import type { Checking } from './checking.ts';
import { compareBytes } from './compare.ts';
import { firstBlockOf, holdsSuperblock } from './layout.ts';

/** Neither in use when it was copied, nor found damaged by a kernel. */
const clean = 1;

/** The rules of the superblock that the rest can be read without. */
export function checkSuperblock({ fs, report }: Checking): void {
  const { superblock, geometry } = fs;
  const { features } = superblock;
  const bytes = Buffer.from(superblock.bytes.buffer, superblock.bytes.byteOffset, superblock.bytes.byteLength);
  const descriptorSize = bytes.readUInt16LE(at.descriptorSize);
  const perBlock = geometry.blockSize / superblock.inodeSize;
  const rules: readonly (readonly [broken: boolean, what: string])[] = [
    [superblock.reservedBlocks > superblock.blocks / 2, 'more than half of the blocks are reserved'],
    [superblock.reservedDescriptorBlocks > geometry.blockSize / 4, 'too many blocks are reserved for descriptors'],
    [superblock.inodesPerGroup < perBlock, 'the number of inodes in a group is not allowed'],
    [superblock.logGroupsPerFlex > 31, 'the number of groups that share their metadata is not allowed'],
    [isBadExtra(superblock.minExtraSize, superblock.inodeSize), 'the least size of extra fields in inodes is not allowed'],
    [isBadExtra(superblock.wantExtraSize, superblock.inodeSize), 'the wanted size of extra fields in inodes is not allowed'],
    [descriptorSize > 1024 || (descriptorSize & (descriptorSize - 1)) !== 0, 'the size of group descriptors is not allowed'],
    [features.has('64bit') && !features.has('extent'), 'it has 64 bits without extents'],
    [features.has('metadata_csum_seed') && !features.has('metadata_csum'), 'it has a seed for checksums and no checksums'],
    [(superblock.state & 3) !== clean, 'it was in use when it was copied, or errors were found in it'],
    [superblock.lastOrphan !== 0, 'it has a list of files that were to be deleted'],
    [[...features].some((name) => name.startsWith('compat_0x')), 'it has features that are not known'],
    [superblock.freeBlocks > superblock.blocks || superblock.freeInodes > superblock.inodes, 'more is free than there is'],
  ];
  for (const [broken, what] of rules) if (broken) report(superblockPlace, what);
}

function isBadExtra(size: number, inodeSize: number): boolean {
  return inodeSize > 128 && size !== 0 && (size < 4 || size > inodeSize - 128 || size % 4 !== 0);
}

/** Fields that every copy shares with the first superblock; others change while a file system is in use. */
const shared: readonly (readonly [at: number, length: number])[] = [
  [at.inodesCount, 8],
  [at.firstDataBlock, 24],
  [at.magic, 2],
  [at.revision, 4],
  [at.firstInode, 6],
  [at.uuid, 16],
  [at.descriptorSize, 2],
  [at.blocksCountHigh, 4],
];

/** The copies of superblock and descriptors, which a repair would begin with. */
export function checkBackups({ fs, report }: Checking): void {
  const { image, superblock, geometry } = fs;
  const size = superblock.descriptorSize;
  for (const { number } of fs.groups) {
    const start = firstBlockOf(fs, number) * geometry.blockSize;
    const end = start + geometry.blockSize + geometry.groups * size;
    if (number === 0 || !holdsSuperblock(fs, number) || end > superblock.blocks * geometry.blockSize) continue;
    const place = { kind: 'group', group: number } as const;
    const bytes = image.read(start, first.length);
    const copy = parseSuperblock(bytes);
    const differs = shared.some(([from, length]) => !compareBytes(bytes, superblock.bytes, [from, length]));
    if (differs || copy.groupNumber !== number % 2 ** 16) report(place, 'its copy of the superblock is another one');
    else if (fs.seed !== undefined && superblockChecksum(bytes) !== copy.checksum)
      report(place, 'the checksum of its copy of the superblock is wrong');
    const table = image.read(start + geometry.blockSize, geometry.groups * size);
    const other = fs.groups.find(
      (group) => !sameLocations(group.bytes, table.subarray(group.number * size, (group.number + 1) * size)),
    );
    if (other !== undefined) report(place, `its copy of the descriptor of group ${String(other.number)} names other places`);
  }
}

/** The three places in a descriptor are its first twelve bytes, and twelve more with 64 bits. */
function sameLocations(a: Uint8Array, b: Uint8Array): boolean {
  return compareBytes(a, b, [0, 12]) && (a.length < 64 || compareBytes(a, b, [32, 12]));
}
