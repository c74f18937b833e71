import type { ByteString } from '../../../base/byte-string.ts';
import { fromBytes } from '../../../base/byte-string.ts';
import type { FileEntry } from '../../file-tree.ts';
import type { Device } from '../disk/device.ts';
import { decodeDevice } from '../disk/device.ts';
import { inodeFlags, modeTypes } from '../disk/inode.ts';
import type { Attributes } from './attributes.ts';
import { wholeContent } from './content.ts';
import type { FileSystem } from './file-system.ts';
import type { Inode } from './inode.ts';
import { typeOf } from './inode.ts';
import { refuseDamage } from './report.ts';

const longestTarget = 4096;

/** The entry of an inode that is not a directory. */
export function specialEntry(fs: FileSystem, inode: Inode, common: { readonly path: ByteString } & Attributes): FileEntry {
  switch (typeOf(inode)) {
    case modeTypes.file:
      if (inode.size > fs.geometry.blockSize * 2 ** 32) return damaged(inode, 'its size is not possible');
      return { ...common, type: 'file', size: inode.size, content: String(inode.number) };
    case modeTypes.symlink:
      return { ...common, type: 'symlink', target: targetOf(fs, inode) };
    case modeTypes.fifo:
      return { ...common, type: 'fifo' };
    case modeTypes.socket:
      return { ...common, type: 'socket' };
    case modeTypes.char:
      return { ...common, type: 'char', ...deviceOf(inode) };
    case modeTypes.block:
      return { ...common, type: 'block', ...deviceOf(inode) };
    default:
      return damaged(inode, 'its mode says no kind of file');
  }
}

/** Does a symlink keep its target in the inode? */
function isShortSymlink(fs: FileSystem, inode: Inode): boolean {
  const forXattrs = inode.xattrBlock === 0 ? 0 : fs.geometry.blockSize / 512;
  return (inode.flags & inodeFlags.extents) === 0 && inode.size < inode.map.length && inode.sectors === forXattrs;
}

function targetOf(fs: FileSystem, inode: Inode): ByteString {
  if (inode.size === 0 || inode.size >= Math.min(longestTarget, fs.geometry.blockSize + 1))
    return damaged(inode, 'the length of the symlink is not allowed');
  const bytes = isShortSymlink(fs, inode) ? inode.map.subarray(0, inode.size) : wholeContent(fs, inode);
  return bytes.includes(0) ? damaged(inode, 'the target of the symlink has a NUL') : fromBytes(bytes);
}

/** The numbers of a device. */
function deviceOf({ map }: Inode): Device {
  const view = new DataView(map.buffer, map.byteOffset, map.byteLength);
  return decodeDevice([view.getUint32(0, true), view.getUint32(4, true)]);
}

function damaged(inode: Inode, what: string): never {
  return refuseDamage({ kind: 'inode', inode: inode.number }, what);
}
