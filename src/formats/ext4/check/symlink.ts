import { inodeFlags } from '../disk/inode.ts';
import { readBlock } from '../read/file-system.ts';
import type { Inode } from '../read/inode.ts';
import { piecesOf } from '../read/map.ts';
import type { Checking } from './checking.ts';

/** A symlink keeps its target in the inode, or in one block; it ends with its size, before a NUL. */
export function checkSymlink({ fs, report }: Checking, inode: Inode, extents: number): void {
  const place = { kind: 'inode', inode: inode.number } as const;
  const short = inode.size < inode.map.length;
  const hasExtents = (inode.flags & inodeFlags.extents) !== 0;
  if (
    inode.size === 0 ||
    inode.size >= fs.geometry.blockSize ||
    (short && hasExtents) ||
    (inode.flags & inodeFlags.index) !== 0
  ) {
    report(place, 'the symlink is of a wrong length or kind');
    return;
  }
  const bytes = short ? inode.map : blockOf();
  if (bytes === undefined) report(place, 'the symlink has not exactly one block');
  else if (bytes.indexOf(0) !== inode.size) report(place, 'the target of the symlink does not end with its size');

  function blockOf(): Uint8Array | undefined {
    if (extents !== 1) return undefined;
    for (const piece of piecesOf(fs, inode, () => {}))
      if (piece.kind === 'data' && piece.logical === 0 && piece.count === 1) return readBlock(fs, piece.block);
    return undefined;
  }
}
