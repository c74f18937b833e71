import type { ImageReader } from '../../file-tree.ts';
import { filesystemSeed, groupChecksum as crcOfGroup, superblockChecksum } from '../disk/checksums.ts';
import { descriptor } from '../disk/group.ts';
import { superblockPlace as place } from '../disk/superblock.ts';
import { crc16 } from './crc16.ts';
import type { Geometry } from './geometry.ts';
import { geometryOf } from './geometry.ts';
import type { Group } from './group.ts';
import { parseGroup } from './group.ts';
import type { Report } from './report.ts';
import { refuseDamage, superblockPlace, unread } from './report.ts';
import type { Superblock } from './superblock.ts';
import { parseSuperblock } from './superblock.ts';

/** An image whose superblock and groups were read. */
export interface FileSystem {
  readonly image: ImageReader;
  readonly superblock: Superblock;
  readonly geometry: Geometry;
  readonly groups: readonly Group[];
  /** What checksums of metadata begin with; undefined when there are none. */
  readonly seed: number | undefined;
}

/** Reads superblock and groups. What is wrong goes to `report`; undefined when it is too much to go on. */
export function openFileSystem(image: ImageReader, report: Report): FileSystem | undefined {
  if (image.size < place.at + place.length) throw unread('it is shorter than a superblock');
  const superblock = parseSuperblock(image.read(place.at, place.length));
  const geometry = geometryOf(superblock, image, report);
  if (geometry === undefined) return undefined;
  const seed = seedOf(superblock);
  if (seed !== undefined && superblockChecksum(superblock.bytes) !== superblock.checksum)
    report(superblockPlace, 'its checksum is wrong');
  const end = superblock.firstDataBlock + 1 + geometry.descriptorBlocks;
  if (end > superblock.blocks) {
    report(superblockPlace, 'its group descriptors lie outside of the image');
    return undefined;
  }
  return { image, superblock, geometry, groups: readGroups(), seed };

  function readGroups(): readonly Group[] {
    const size = superblock.descriptorSize;
    const table = image.read((superblock.firstDataBlock + 1) * geometry!.blockSize, geometry!.groups * size);
    return Array.from({ length: geometry!.groups }, (_, number) => {
      const group = parseGroup(number, table.subarray(number * size, (number + 1) * size));
      const sum = groupChecksum(superblock, group);
      if (sum !== undefined && sum !== group.checksum)
        report({ kind: 'group', group: number }, 'the checksum of its descriptor is wrong');
      return group;
    });
  }
}

/** The file system of an image for readers, for whom any damage on the way is an error (PK3551). */
export function openForReading(image: ImageReader): FileSystem {
  return openFileSystem(image, refuseDamage) ?? refuseDamage(superblockPlace, 'nothing can be found');
}

/** The checksum that a group descriptor should have; undefined when there are none. */
function groupChecksum(superblock: Superblock, { number, bytes }: Group): number | undefined {
  const seed = seedOf(superblock);
  if (seed !== undefined) return crcOfGroup(seed, number, bytes);
  if (!superblock.features.has('uninit_bg')) return undefined;
  const before = crc16(crc16(0xffff, superblock.uuid), Uint8Array.of(number, number >>> 8, number >>> 16, number >>> 24));
  return crc16(crc16(before, bytes.subarray(0, descriptor.checksum)), bytes.subarray(descriptor.checksum + 2));
}

function seedOf({ features, uuid, checksumSeed }: Superblock): number | undefined {
  if (!features.has('metadata_csum')) return undefined;
  return features.has('metadata_csum_seed') ? checksumSeed : filesystemSeed(uuid);
}

/** May a block hold something of a file, so does it lie behind the first one and before the end? */
export function isDataBlock({ superblock }: FileSystem, block: number, count = 1): boolean {
  return block > superblock.firstDataBlock && block + count <= superblock.blocks;
}

/** The bytes of a block. */
export function readBlock({ image, geometry }: FileSystem, block: number): Uint8Array {
  return image.read(block * geometry.blockSize, geometry.blockSize);
}
