import { showBytes } from '../../../base/byte-string.ts';
import type { FileAttributes } from '../../file-tree.ts';
import { inodeFlags } from '../disk/inode.ts';
import type { FileSystem } from './file-system.ts';
import type { Inode } from './inode.ts';
import { refuseDamage, unread } from './report.ts';
import type { Xattr } from './xattrs.ts';
import { xattrsInBlock, xattrsInInode } from './xattrs.ts';

/** What every entry but a hard link carries. */
export type Attributes = FileAttributes;

const unreadFlags = [
  [inodeFlags.compressed, 'compressed'],
  [inodeFlags.encrypted, 'encrypted'],
  [inodeFlags.verity, 'protected by verity'],
  [inodeFlags.eaInode, 'an extended attribute'],
  [inodeFlags.inlineData, 'kept inside its inode (inline_data)'],
  [inodeFlags.casefold, 'a directory without case (casefold)'],
] as const;

/** Makes what reads the attributes of inodes; what several inodes share is read once. */
export function attributesReader(fs: FileSystem): (inode: Inode) => Attributes {
  const shared = new Map<number, readonly Xattr[]>();
  return (inode) => {
    const place = { kind: 'inode', inode: inode.number } as const;
    const strange = unreadFlags.find(([flag]) => (inode.flags & flag) !== 0);
    if (strange !== undefined) throw unread(`inode ${String(inode.number)} is ${strange[1]}`);
    if (inode.extraSize % 4 !== 0 || 128 + inode.extraSize > Math.max(128, inode.bytes.length))
      refuseDamage(place, 'the size of its fields is wrong');
    if (inode.mtime.nanos > 999_999_999) refuseDamage(place, 'its time is malformed');
    return {
      mode: inode.mode & 0o7777,
      uid: inode.uid,
      gid: inode.gid,
      mtime: inode.mtime,
      xattrs: inode.xattrBlock === 0 && inode.bytes.length === 128 ? [] : xattrsOf(inode),
    };
  };

  function xattrsOf(inode: Inode): readonly Xattr[] {
    const place = { kind: 'inode', inode: inode.number } as const;
    const inside = xattrsInInode(inode, refuseDamage);
    const all =
      inode.xattrBlock === 0 ? [...inside] : [...inside, ...blockOf(inode.xattrBlock, (what) => refuseDamage(place, what))];
    all.sort((a, b) => (a.name < b.name ? -1 : 1));
    const twice = all.find(({ name }, index) => name === all[index + 1]?.name);
    if (twice !== undefined) refuseDamage(place, `the extended attribute ${showBytes(twice.name)} comes twice`);
    return all;
  }

  function blockOf(block: number, wrong: (what: string) => void): readonly Xattr[] {
    const known = shared.get(block);
    if (known !== undefined) return known;
    const read = xattrsInBlock(fs, block, wrong);
    shared.set(block, read);
    return read;
  }
}
