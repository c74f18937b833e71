import type { ByteString } from '../../../base/byte-string.ts';
import { fromBytes } from '../../../base/byte-string.ts';
import type { FileEntry } from '../../file-tree.ts';
import type { Attributes } from './attributes.ts';
import { wholeContent } from './content.ts';
import type { FileSystem } from './file-system.ts';
import type { Inode } from './inode.ts';
import { fileTypes, inodeFlags, typeOf } from './inode.ts';
import { refuseDamage } from './report.ts';

const longestTarget = 4096;

/** The entry of an inode that is not a directory. */
export function specialEntry(fs: FileSystem, inode: Inode, common: { readonly path: ByteString } & Attributes): FileEntry {
  switch (typeOf(inode)) {
    case fileTypes.file:
      if (inode.size > fs.geometry.blockSize * 2 ** 32) return damaged(inode, 'its size is not possible');
      return { ...common, type: 'file', size: inode.size, content: String(inode.number) };
    case fileTypes.symlink:
      return { ...common, type: 'symlink', target: targetOf(fs, inode) };
    case fileTypes.fifo:
      return { ...common, type: 'fifo' };
    case fileTypes.socket:
      return { ...common, type: 'socket' };
    case fileTypes.char:
      return { ...common, type: 'char', ...deviceOf(inode) };
    case fileTypes.block:
      return { ...common, type: 'block', ...deviceOf(inode) };
    default:
      return damaged(inode, 'its mode says no kind of file');
  }
}

/** Does a symlink keep its target in the inode? */
export function isShortSymlink(fs: FileSystem, inode: Inode): boolean {
  const forXattrs = inode.xattrBlock === 0 ? 0 : fs.geometry.blockSize / 512;
  return (inode.flags & inodeFlags.extents) === 0 && inode.size < inode.map.length && inode.sectors === forXattrs;
}

function targetOf(fs: FileSystem, inode: Inode): ByteString {
  if (inode.size === 0 || inode.size >= Math.min(longestTarget, fs.geometry.blockSize + 1)) return damaged(inode, 'the length of the symlink is not allowed');
  const bytes = isShortSymlink(fs, inode) ? inode.map.subarray(0, inode.size) : wholeContent(fs, inode);
  return bytes.includes(0) ? damaged(inode, 'the target of the symlink has a NUL') : fromBytes(bytes);
}

/** The numbers of a device: old ones of 8 bits each in the first word, else new ones in the second. */
export function deviceOf({ map }: Inode): { readonly major: number; readonly minor: number } {
  const view = new DataView(map.buffer, map.byteOffset, map.byteLength);
  const old = view.getUint32(0, true);
  if (old !== 0) return { major: (old >>> 8) & 0xff, minor: old & 0xff };
  const wide = view.getUint32(4, true);
  return { major: (wide >>> 8) & 0xfff, minor: (wide & 0xff) | ((wide >>> 12) & 0xfff00) };
}

function damaged(inode: Inode, what: string): never {
  return refuseDamage({ kind: 'inode', inode: inode.number }, what);
}
