import { crc32c, crc32cOfNumber } from './crc32c.ts';
import { descriptor } from './group.ts';
import { inode } from './inode.ts';
import { superblock } from './superblock.ts';
import { xattrHeader } from './xattr.ts';

/** What all checksums of a file system start from (without metadata_csum_seed): that of its UUID. */
export function filesystemSeed(uuid: Uint8Array): number {
  return crc32c(0xffff_ffff, uuid);
}

/** The checksum of a superblock of 1024 bytes. */
export function superblockChecksum(bytes: Uint8Array): number {
  return crc32c(0xffff_ffff, bytes.subarray(0, superblock.checksum));
}

const zeros = new Uint8Array(4);

/** The 16 bits that a group's descriptor holds as its checksum; its own field counts as 0. */
export function groupChecksum(seed: number, group: number, bytes: Uint8Array): number {
  let crc = crc32c(crc32cOfNumber(seed, group), bytes.subarray(0, descriptor.checksum));
  crc = crc32c(crc, zeros.subarray(0, 2));
  return crc32c(crc, bytes.subarray(descriptor.checksum + 2)) & 0xffff;
}

/** What checksums of one inode, its directory blocks and its extent nodes start from. */
export function inodeSeed(seed: number, number: number, generation: number): number {
  return crc32cOfNumber(crc32cOfNumber(seed, number), generation);
}

/** The checksum of a whole inode with extra fields, from its seed; its own two fields count as 0. */
export function inodeChecksum(seed: number, bytes: Uint8Array): number {
  let crc = crc32c(seed, bytes.subarray(0, inode.checksumLow));
  crc = crc32c(crc, zeros.subarray(0, 2));
  crc = crc32c(crc, bytes.subarray(inode.checksumLow + 2, inode.checksumHigh));
  crc = crc32c(crc, zeros.subarray(0, 2));
  return crc32c(crc, bytes.subarray(inode.checksumHigh + 2));
}

/** The checksum of an attribute block at this place of the image; its own field counts as 0. */
export function xattrBlockChecksum(seed: number, block: number, bytes: Uint8Array): number {
  let crc = crc32cOfNumber(crc32cOfNumber(seed, block >>> 0), Math.floor(block / 2 ** 32));
  crc = crc32c(crc, bytes.subarray(0, xattrHeader.checksum));
  crc = crc32c(crc, zeros);
  return crc32c(crc, bytes.subarray(xattrHeader.checksum + 4));
}
