import { journalMagic, journalSuperblock } from './disk/journal.ts';
import { blockSize } from './geometry.ts';

/** The first block of an empty journal of this many blocks. */
export function encodeJournal(blocks: number, uuid: Uint8Array): Buffer {
  const bytes = Buffer.alloc(blockSize);
  bytes.writeUInt32BE(journalMagic, journalSuperblock.magic);
  bytes.writeUInt32BE(4, journalSuperblock.blockType);
  bytes.writeUInt32BE(blockSize, journalSuperblock.blockSize);
  bytes.writeUInt32BE(blocks, journalSuperblock.length);
  bytes.writeUInt32BE(1, journalSuperblock.first);
  bytes.writeUInt32BE(1, journalSuperblock.sequence);
  bytes.set(uuid, journalSuperblock.uuid);
  bytes.writeUInt32BE(1, journalSuperblock.users);
  return bytes;
}
