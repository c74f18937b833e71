import type { ByteString } from '../../../base/byte-string.ts';
import { fromBytes } from '../../../base/byte-string.ts';
import type { ImageReader } from '../../file-tree.ts';
import { showUuid } from '../../uuid.ts';
import { openForReading } from './file-system.ts';

/** What an image says of itself. */
export interface Ext4Summary {
  readonly label: ByteString;
  readonly uuid: string;
  readonly features: readonly string[];
  readonly blockSize: number;
  readonly blocks: number;
  readonly freeBlocks: number;
  readonly reservedBlocks: number;
  readonly groups: number;
  readonly inodes: number;
  readonly freeInodes: number;
  readonly inodeSize: number;
  /** Bytes of the file system; the image may be longer. */
  readonly size: number;
}

/** Reads what an image says of itself, without its files. */
export function summaryOf(image: ImageReader): Ext4Summary {
  const { superblock, geometry } = openForReading(image);
  const end = superblock.label.indexOf(0);
  return {
    label: fromBytes(end < 0 ? superblock.label : superblock.label.subarray(0, end)),
    uuid: showUuid(superblock.uuid),
    features: [...superblock.features],
    blockSize: geometry.blockSize,
    blocks: superblock.blocks,
    freeBlocks: superblock.freeBlocks,
    reservedBlocks: superblock.reservedBlocks,
    groups: geometry.groups,
    inodes: superblock.inodes,
    freeInodes: superblock.freeInodes,
    inodeSize: superblock.inodeSize,
    size: superblock.blocks * geometry.blockSize,
  };
}
