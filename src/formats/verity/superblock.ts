import { PortkitError } from '../../base/errors.ts';
import type { ImageReader } from '../file-tree.ts';
import { showUuid } from '../uuid.ts';
import { blockSize } from './options.ts';
import type { VerityParameters } from './options.ts';

/** The superblock that veritysetup writes before a hash tree (version 1), in a block of its own. */
export function encodeSuperblock({ blocks, salt, uuid }: VerityParameters): Buffer {
  const bytes = Buffer.alloc(blockSize);
  bytes.write('verity\0\0', 0, 'latin1');
  bytes.writeUInt32LE(1, 8);
  // The type of hash of Linux itself (0 is that of early Chrome OS).
  bytes.writeUInt32LE(1, 12);
  bytes.set(uuid, 16);
  bytes.write('sha256', 32, 'latin1');
  bytes.writeUInt32LE(blockSize, 64);
  bytes.writeUInt32LE(blockSize, 68);
  bytes.writeBigUInt64LE(BigInt(blocks), 72);
  bytes.writeUInt16LE(salt.length, 80);
  bytes.set(salt, 88);
  return bytes;
}

/** What a hash tree says of itself. */
export interface VeritySummary {
  readonly uuid: string;
  readonly algorithm: string;
  readonly dataBlockSize: number;
  readonly hashBlockSize: number;
  /** Blocks of the data that it is for. */
  readonly dataBlocks: number;
  /** Hex digits. */
  readonly salt: string;
}

/** Reads the superblock that a hash image begins with; PK3752 for one that is malformed. */
export function readSuperblock(image: ImageReader): VeritySummary {
  const bytes = Buffer.from(image.read(0, Math.min(image.size, 512)));
  const algorithm = bytes.toString('latin1', 32, 64).replace(/\0+$/, '');
  const sound = bytes.length === 512 && bytes.toString('latin1', 0, 8) === 'verity\0\0' && bytes.readUInt32LE(8) === 1;
  if (!sound || !/^[a-z0-9-]+$/.test(algorithm) || bytes.readUInt16LE(80) > 256)
    throw new PortkitError('PK3752', 'The superblock of the hash tree is malformed');
  return {
    uuid: showUuid(bytes.subarray(16, 32)),
    algorithm,
    dataBlockSize: bytes.readUInt32LE(64),
    hashBlockSize: bytes.readUInt32LE(68),
    dataBlocks: Number(bytes.readBigUInt64LE(72)),
    salt: bytes.toString('hex', 88, 88 + bytes.readUInt16LE(80)),
  };
}
