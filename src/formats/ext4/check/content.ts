import { inodeFlags, modeTypes } from '../disk/inode.ts';
import { xattrHeader } from '../disk/xattr.ts';
import { isDataBlock, readBlock } from '../read/file-system.ts';
import type { Inode } from '../read/inode.ts';
import { isMapped, typeOf } from '../read/inode.ts';
import { piecesOf } from '../read/map.ts';
import { xattrsInBlock, xattrsInInode } from '../read/xattrs.ts';
import type { Checking } from './checking.ts';
import { claimBlocks } from './checking.ts';
import { checkSymlink } from './symlink.ts';

/** What blocks an inode has, and whether its size, its count of blocks and its attributes agree with them. */
export function checkContent(checking: Checking, inode: Inode): void {
  const { fs, report } = checking;
  const place = { kind: 'inode', inode: inode.number } as const;
  const type = typeOf(inode);
  let blocks = checkXattrs(checking, inode);
  let lastWritten = -1;
  let extents = 0;
  if (type === modeTypes.symlink ? inode.size >= inode.map.length || (inode.flags & inodeFlags.extents) !== 0 : isMapped(inode)) {
    for (const piece of piecesOf(fs, inode, report)) {
      const count = piece.kind === 'map' ? 1 : piece.count;
      claimBlocks(checking, place, { block: piece.block, count });
      blocks += count;
      extents++;
      if (piece.kind === 'data' && piece.written) lastWritten = piece.logical + piece.count - 1;
    }
  }
  const whole = (inode.flags & inodeFlags.hugeFile) !== 0 && fs.superblock.features.has('huge_file');
  const sectors = whole ? blocks : (blocks * fs.geometry.blockSize) / 512;
  if (inode.sectors !== sectors) report(place, `it counts ${String(inode.sectors)} blocks, has ${String(sectors)}`);
  if (
    type === modeTypes.file &&
    (inode.size < lastWritten * fs.geometry.blockSize || inode.size > fs.geometry.blockSize * 2 ** 32)
  )
    report(place, `its size is ${String(inode.size)}, its last block ${String(lastWritten)}`);
  if (type === modeTypes.symlink) checkSymlink(checking, inode, extents);
}

/** Gives how many blocks the attributes take. */
function checkXattrs({ fs, report, usage, xattrBlocks }: Checking, inode: Inode): number {
  const place = { kind: 'inode', inode: inode.number } as const;
  xattrsInInode(inode, report);
  const block = inode.xattrBlock;
  if (block === 0) return 0;
  const known = xattrBlocks.get(block);
  if (known !== undefined) {
    known.names++;
    return 1;
  }
  xattrsInBlock(fs, block, (what) => report(place, what));
  if (!isDataBlock(fs, block)) return 0;
  const bytes = readBlock(fs, block);
  xattrBlocks.set(block, { names: 1, said: new DataView(bytes.buffer, bytes.byteOffset).getUint32(xattrHeader.refcount, true) });
  if (usage.claim(block, 1) !== undefined)
    report(place, `its block ${String(block)} of extended attributes belongs to something else too`);
  return 1;
}

/** Every block of attributes says how many inodes name it. */
export function checkXattrCounts({ xattrBlocks, report }: Checking): void {
  for (const [block, { names, said }] of xattrBlocks) {
    if (names !== said)
      report(
        { kind: 'superblock' },
        `block ${String(block)} of extended attributes says ${String(said)} inodes, ${String(names)} name it`,
      );
  }
}
