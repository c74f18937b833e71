import {
  groupChecksum,
  inodeChecksum,
  inodeSeed,
  superblockChecksum,
  xattrBlockChecksum,
} from '../../../src/formats/ext4/disk/checksums.ts';
import { crc32c } from '../../../src/formats/ext4/disk/crc32c.ts';
import { descriptor } from '../../../src/formats/ext4/disk/group.ts';
import { inode as inodeAt } from '../../../src/formats/ext4/disk/inode.ts';
import { superblock as superblockAt } from '../../../src/formats/ext4/disk/superblock.ts';
import { xattrHeader } from '../../../src/formats/ext4/disk/xattr.ts';
import type { FileSystem } from '../../../src/formats/ext4/read/file-system.ts';
import type { Mutation } from './mutations.ts';

/** Writes the checksum that fits a changed part, so that damage is found by what it says and not by its sum. */
export function seal(bytes: Buffer, fs: FileSystem, { kind, region, at }: Mutation): void {
  const { seed, superblock, geometry } = fs;
  if (seed === undefined) return;
  const { blockSize } = geometry;
  const block = Math.floor(at / blockSize);
  const whole = bytes.subarray(block * blockSize, (block + 1) * blockSize);
  if (kind === 'superblock') {
    bytes.writeUInt32LE(superblockChecksum(bytes.subarray(1024, 2048)), 1024 + superblockAt.checksum);
  } else if (kind === 'descriptor') {
    sealGroup(bytes, fs, Math.floor((at - region.at) / superblock.descriptorSize));
  } else if (kind === 'block-bitmap' || kind === 'inode-bitmap') {
    const group = fs.groups.find(({ blockBitmap, inodeBitmap }) => blockBitmap === block || inodeBitmap === block)!;
    const [low, high, bits] =
      kind === 'block-bitmap'
        ? [descriptor.blockBitmapChecksumLow, descriptor.blockBitmapChecksumHigh, superblock.blocksPerGroup]
        : [descriptor.inodeBitmapChecksumLow, descriptor.inodeBitmapChecksumHigh, superblock.inodesPerGroup];
    const sum = crc32c(seed, whole.subarray(0, bits / 8));
    const start = (superblock.firstDataBlock + 1) * blockSize + group.number * superblock.descriptorSize;
    bytes.writeUInt16LE(sum & 0xffff, start + low);
    bytes.writeUInt16LE(sum >>> 16, start + high);
    sealGroup(bytes, fs, group.number);
  } else if (kind === 'xattr') {
    whole.writeUInt32LE(xattrBlockChecksum(seed, block, whole), xattrHeader.checksum);
  } else if (region.inode !== undefined) {
    sealInode(bytes, fs, { kind, whole, number: region.inode });
  }
}

function sealGroup(bytes: Buffer, { seed, superblock, geometry }: FileSystem, group: number): void {
  const start = (superblock.firstDataBlock + 1) * geometry.blockSize + group * superblock.descriptorSize;
  const sum = groupChecksum(seed!, group, bytes.subarray(start, start + superblock.descriptorSize));
  bytes.writeUInt16LE(sum, start + descriptor.checksum);
}

function sealInode(
  bytes: Buffer,
  { seed, superblock, geometry, groups }: FileSystem,
  { kind, whole, number }: { readonly kind: string; readonly whole: Buffer; readonly number: number },
): void {
  const { inodeTable } = groups[Math.floor((number - 1) / superblock.inodesPerGroup)]!;
  const at = inodeTable * geometry.blockSize + ((number - 1) % superblock.inodesPerGroup) * superblock.inodeSize;
  const own = bytes.subarray(at, at + superblock.inodeSize);
  const start = inodeSeed(seed!, number, own.readUInt32LE(inodeAt.generation));
  if (kind === 'directory') {
    whole.writeUInt32LE(crc32c(start, whole.subarray(0, whole.length - 12)), whole.length - 4);
  } else if (kind === 'extents') {
    const tail = 12 * (1 + whole.readUInt16LE(4));
    if (tail + 4 <= whole.length) whole.writeUInt32LE(crc32c(start, whole.subarray(0, tail)), tail);
  } else {
    const sum = inodeChecksum(start, own);
    own.writeUInt16LE(sum & 0xffff, inodeAt.checksumLow);
    own.writeUInt16LE(sum >>> 16, inodeAt.checksumHigh);
  }
}
