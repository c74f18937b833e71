import type { ByteString } from '../../../base/byte-string.ts';
import { fromBytes } from '../../../base/byte-string.ts';
import { directoryEntry, directoryTail, entryLength as lengthFor } from '../disk/directory.ts';
import { checkDirectorySum } from './directory-sum.ts';
import type { FileSystem } from './file-system.ts';
import { readBlock } from './file-system.ts';
import type { Inode } from './inode.ts';
import { inodeSeed } from './inode.ts';
import { piecesOf } from './map.ts';
import type { Report } from './report.ts';

/** One name of a directory, `.` and `..` too. */
export interface Name {
  readonly name: ByteString;
  readonly inode: number;
  /** What the entry says the inode is: 1 file, 2 directory, 3 char, 4 block, 5 fifo, 6 socket, 7 symlink; 0 unknown. */
  readonly type: number;
  /** The number of the entry, from 0; `.` is 0 and `..` is 1. */
  readonly index: number;
}

/** One block of a directory. */
export interface DirectoryBlock {
  readonly logical: number;
  readonly block: number;
  readonly bytes: Uint8Array;
}

/** The blocks of a directory, which has no holes and ends with its last block. */
export function* directoryBlocks(fs: FileSystem, inode: Inode, report: Report): Generator<DirectoryBlock> {
  const place = { kind: 'inode', inode: inode.number } as const;
  const { blockSize } = fs.geometry;
  const blocks = Math.ceil(inode.size / blockSize);
  let next = 0;
  for (const piece of piecesOf(fs, inode, report)) {
    if (piece.kind === 'map') continue;
    if (piece.logical !== next) report(place, `the directory has no block ${String(next)}`);
    if (!piece.written) report(place, `block ${String(piece.logical)} of the directory was never written`);
    next = piece.logical + piece.count;
    if (next > blocks) report(place, 'the directory has blocks beyond its size');
    for (let index = 0; index < piece.count; index++) {
      const block = piece.block + index;
      yield { logical: piece.logical + index, block, bytes: readBlock(fs, block) };
    }
  }
  if (inode.size === 0 || next < blocks || inode.size % blockSize !== 0) report(place, 'the size of the directory is wrong');
}

/** The names in one block of a directory; `index` is that of its first entry. Stops at the first entry that is malformed. */
export function* namesOf(
  fs: FileSystem,
  inode: Inode,
  { block, report }: { readonly block: DirectoryBlock; readonly report: Report },
): Generator<Name> {
  const { bytes } = block;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const wrong = (what: string): void =>
    report({ kind: 'inode', inode: inode.number }, `${what} in block ${String(block.logical)} of the directory`);
  const seed = inodeSeed(fs, inode);
  const hasTail = seed !== undefined && checkDirectorySum(bytes, seed, wrong);
  const end = bytes.length - (hasTail ? directoryTail.length : 0);
  let index = block.logical === 0 ? 0 : 2;
  for (let at = 0; at < end;) {
    const number = view.getUint32(at, true);
    const length = entryLength(view, at);
    const size = view.getUint8(at + directoryEntry.nameLength);
    // Without the feature `filetype`, the type is the upper half of the name's length.
    const type = fs.superblock.features.has('filetype') ? view.getUint8(at + directoryEntry.type) : 0;
    if (length % 4 !== 0 || length < lengthFor(1) || at + length > end || lengthFor(size) > length) {
      wrong('an entry has a wrong length');
      return;
    }
    if (number !== 0) {
      const name = fromBytes(bytes.subarray(at + directoryEntry.name, at + directoryEntry.name + size));
      const problem =
        nameProblem(name, index) ?? (index < 2 && bytes[at + directoryEntry.name + size] !== 0 ? 'a NUL is missing' : undefined);
      if (problem === undefined) yield { name, inode: number, type, index };
      else wrong(problem);
    } else if (index < 2) {
      wrong('"." or ".." is missing');
    }
    index++;
    at += length;
    if (at < end && at + directoryEntry.name > end) {
      wrong('the last entry does not reach the end');
      return;
    }
  }
}

function entryLength(view: DataView, at: number): number {
  const length = view.getUint16(at + directoryEntry.length, true);
  // In blocks of 64 KiB, a length that does not fit into 16 bits.
  return view.byteLength === 65_536 && (length === 65_535 || length === 0) ? 65_536 : length;
}

function nameProblem(name: ByteString, index: number): string | undefined {
  if (name === '') return 'an entry has no name';
  if (/[/\0]/.test(name)) return 'a name has a slash or a NUL';
  if ((index === 0) !== (name === '.') || (index === 1) !== (name === '..')) return '"." and ".." are not the first two entries';
  return undefined;
}
