import { extentMagic } from '../disk/extent.ts';
import { inodeFlags, modeTypes } from '../disk/inode.ts';
import type { Superblock } from '../read/superblock.ts';
import type { Inode } from '../read/inode.ts';
import { isMapped, typeOf } from '../read/inode.ts';
import type { Checking } from './checking.ts';

const kinds = new Set<number>(Object.values(modeTypes));
const [immutable, append, imagic] = [0x10, 0x20, 0x2000];
const faddrAt = 112;

/** A rule is broken when its question is answered with yes. */
type Rule = readonly [broken: (inode: Inode, superblock: Superblock) => boolean, what: string];

/** The fields of an inode in use, as far as they can be judged without its blocks. */
const rules: readonly Rule[] = [
  [(inode) => !kinds.has(typeOf(inode)), 'its mode says no kind of file'],
  [hasBadExtra, 'the size of its extra fields is wrong'],
  [
    (inode, { features }) => has(inode, inodeFlags.extents) && !features.has('extent'),
    'it has extents, which the file system has not',
  ],
  [
    (inode, { features }) => isMapped(inode) && !has(inode, inodeFlags.extents) && features.has('extent') && hasTree(inode),
    'it has a tree of extents, but not the flag',
  ],
  [(inode) => has(inode, inodeFlags.inlineData), 'it says that it keeps its content inside (inline_data)'],
  [(inode) => has(inode, inodeFlags.eaInode), 'it says that it is an extended attribute (ea_inode)'],
  [(inode) => has(inode, inodeFlags.casefold), 'it says that it is without case (casefold)'],
  [(inode) => has(inode, inodeFlags.encrypted), 'it says that it is encrypted'],
  [(inode) => has(inode, inodeFlags.verity), 'it says that it is protected by verity'],
  [(inode, { features }) => has(inode, imagic) && !features.has('imagic_inodes'), 'it has the flag of AFS'],
  [
    (inode, { features }) => has(inode, inodeFlags.index) && (!features.has('dir_index') || typeOf(inode) !== modeTypes.dir),
    'it says that it has a hash index, and cannot',
  ],
  [({ bytes }) => bytes.subarray(faddrAt, faddrAt + 4).some((byte) => byte !== 0), 'a field that is not used is not zero'],
  [
    (inode, { features }) => typeOf(inode) === modeTypes.dir && inode.size >= 2 ** 32 && !features.has('large_dir'),
    'the directory is too large',
  ],
  [(inode) => !isMapped(inode) && has(inode, immutable | append), 'a special file or symlink is immutable or only for appending'],
  [(inode) => isSpecial(inode) && inode.size !== 0, 'a special file has a size'],
  [(inode) => isSpecial(inode) && has(inode, inodeFlags.extents), 'a special file has extents'],
  [
    (inode, { features }) => inode.xattrBlock !== 0 && !features.has('ext_attr'),
    'it has extended attributes, which the file system has not',
  ],
  [
    (inode, { features }) => inode.xattrBlock >= 2 ** 32 && !features.has('64bit'),
    'the upper half of a block number is not zero',
  ],
  [(inode, { features }) => inode.sectors >= 2 ** 32 && !features.has('huge_file'), 'it counts more blocks than it can'],
  [
    (inode, { features }) => inode.size >= 2 ** 31 && typeOf(inode) === modeTypes.file && !features.has('large_file'),
    'it is a large file, which the file system has not',
  ],
];

/** Holds an inode against the rules of its fields. */
export function checkFields({ fs, report }: Checking, inode: Inode): void {
  for (const [broken, what] of rules) if (broken(inode, fs.superblock)) report({ kind: 'inode', inode: inode.number }, what);
}

function has({ flags }: Inode, flag: number): boolean {
  return (flags & flag) !== 0;
}

function isSpecial(inode: Inode): boolean {
  const type = typeOf(inode);
  return !isMapped(inode) && type !== modeTypes.symlink && kinds.has(type);
}

function hasBadExtra({ extraSize }: Inode, { inodeSize }: Superblock): boolean {
  return inodeSize > 128 && extraSize !== 0 && (extraSize < 4 || extraSize > inodeSize - 128 || extraSize % 4 !== 0);
}

function hasTree({ map }: Inode): boolean {
  const view = new DataView(map.buffer, map.byteOffset, map.byteLength);
  return view.getUint16(0, true) === extentMagic && view.getUint16(4, true) <= 4 && view.getUint16(4, true) >= 2;
}
