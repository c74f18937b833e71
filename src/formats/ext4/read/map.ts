import { inodeFlags } from '../disk/inode.ts';
import { walkBlockNumbers } from './block-numbers.ts';
import { walkExtents } from './extents.ts';
import type { FileSystem } from './file-system.ts';
import type { Inode } from './inode.ts';
import type { Piece } from './piece.ts';
import type { Report } from './report.ts';

/**
 * Where the content of an inode is, in order, whichever way it is mapped. Every block that is given lies in the image; what
 * is wrong goes to `report` and is left out.
 */
export function piecesOf(fs: FileSystem, inode: Inode, report: Report): Generator<Piece> {
  return (inode.flags & inodeFlags.extents) === 0 ? walkBlockNumbers(fs, inode, report) : walkExtents(fs, inode, report);
}
