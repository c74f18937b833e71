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
