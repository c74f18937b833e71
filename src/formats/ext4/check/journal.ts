import { journalMagic, journalSuperblock as at, smallestJournal } from '../disk/journal.ts';
import { crc32c } from '../disk/crc32c.ts';
import { readBlock } from '../read/file-system.ts';
import type { Inode } from '../read/inode.ts';
import { piecesOf } from '../read/map.ts';
import { superblockPlace } from '../read/report.ts';
import type { Checking } from './checking.ts';
import { compareBytes } from './compare.ts';

const size = 1024;
const errorAt = 0x20;
const checksumAt = 0xfc;
/** Features of a journal: what is known of the compatible, the incompatible and the read-only ones. */
const featuresAt = 0x28;
const knownIncompatible = 0x3f;
const withChecksum = 0x18;

/** The journal of an image that is not in use: a file without holes with an empty log. */
export function checkJournal({ fs, report }: Checking, inode: Inode): void {
  const { superblock, geometry } = fs;
  const wrong = (what: string): void => report({ kind: 'journal' }, what);
  let first: number | undefined;
  let blocks = 0;
  for (const piece of piecesOf(fs, inode, () => {})) {
    if (piece.kind === 'map') continue;
    if (piece.logical !== blocks) wrong('it has a hole');
    first ??= piece.block;
    blocks = piece.logical + piece.count;
  }
  if (inode.links !== 1) wrong('its inode has a wrong number of links');
  if (first === undefined || blocks < smallestJournal) wrong('it is too short');
  if (first === undefined) return;
  const bytes = readBlock(fs, first).subarray(0, size);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const type = view.getUint32(at.blockType);
  if (view.getUint32(at.magic) !== journalMagic || (type !== 3 && type !== 4)) wrong('it does not begin as one does');
  if (view.getUint32(at.blockSize) !== geometry.blockSize) wrong('it has another block size');
  const length = view.getUint32(at.length);
  if (length < smallestJournal || length > blocks) wrong(`it says ${String(length)} blocks, has ${String(blocks)}`);
  if (view.getUint32(at.first) === 0 || view.getUint32(at.first) >= length) wrong('its log begins outside of it');
  if (view.getUint32(at.start) !== 0) wrong('it holds changes that are not in the files yet');
  if (view.getUint32(errorAt) !== 0) wrong('it says that an error happened');
  const unknown = (view.getUint32(featuresAt) & ~knownIncompatible) !== 0 || view.getUint32(featuresAt + 4) !== 0;
  if (view.getUint32(at.users) > 1) wrong('it is shared by several file systems');
  if (unknown) wrong('it has features that are not known');
  if (type === 4 && (view.getUint32(featuresAt) & withChecksum) !== 0) {
    const zeroed = Uint8Array.from(bytes).fill(0, checksumAt, checksumAt + 4);
    if (crc32c(0xffffffff, zeroed) !== view.getUint32(checksumAt)) wrong('its checksum is wrong');
  }
  const backup = superblock.journalBackupType === 1;
  if (backup && !compareBytes(superblock.journalBackup, inode.map, [0, 60]))
    report(superblockPlace, 'its copy of the journal inode differs');
}

/** What the superblock says of the journal. */
export function checkJournalFields({ fs, report }: Checking): void {
  const { superblock } = fs;
  const has = superblock.features.has('has_journal');
  if (has && superblock.journalInode === 0) report(superblockPlace, 'the journal has no inode');
  if (has && superblock.journalInode !== 0 && superblock.journalInode !== 8)
    report(superblockPlace, 'the journal is at an unusual inode');
  if (!has && superblock.journalInode !== 0) report(superblockPlace, 'it names a journal, but has none');
  if (superblock.journalUuid.some((byte) => byte !== 0)) report(superblockPlace, 'it names a journal on another device');
}
