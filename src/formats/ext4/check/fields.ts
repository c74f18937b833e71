import { inodeFlags, modeTypes } from '../disk/inode.ts';
import { extentMagic } from '../disk/extent.ts';
import type { Inode } from '../read/inode.ts';
import { typeOf } from '../read/inode.ts';
import type { Checking } from './checking.ts';

const kinds = new Set<number>(Object.values(modeTypes));
const [immutable, append, imagic] = [0x10, 0x20, 0x2000];
const faddrAt = 112;

/** The fields of an inode in use, as far as they can be judged without its blocks. */
export function checkFields({ fs, report }: Checking, inode: Inode): void {
  const { features, inodeSize } = fs.superblock;
  const type = typeOf(inode);
  const has = (flag: number): boolean => (inode.flags & flag) !== 0;
  const view = new DataView(inode.bytes.buffer, inode.bytes.byteOffset, inode.bytes.byteLength);
  const mapped = type === modeTypes.file || type === modeTypes.dir;
  const special = kinds.has(type) && !mapped && type !== modeTypes.symlink;
  const rules: readonly (readonly [broken: boolean, what: string])[] = [
    [!kinds.has(type), 'its mode says no kind of file'],
    [
      inodeSize > 128 &&
        inode.extraSize !== 0 &&
        (inode.extraSize < 4 || inode.extraSize > inodeSize - 128 || inode.extraSize % 4 !== 0),
      'the size of its extra fields is wrong',
    ],
    [has(inodeFlags.extents) && !features.has('extent'), 'it has extents, which the file system has not'],
    [
      mapped && !has(inodeFlags.extents) && features.has('extent') && hasTree(inode),
      'it has a tree of extents, but not the flag',
    ],
    [has(inodeFlags.inlineData), 'it says that it keeps its content inside (inline_data)'],
    [has(inodeFlags.eaInode), 'it says that it is an extended attribute (ea_inode)'],
    [has(inodeFlags.casefold), 'it says that it is without case (casefold)'],
    [has(inodeFlags.encrypted), 'it says that it is encrypted'],
    [has(inodeFlags.verity), 'it says that it is protected by verity'],
    [has(imagic) && !features.has('imagic_inodes'), 'it has the flag of AFS'],
    [
      has(inodeFlags.index) && (!features.has('dir_index') || type !== modeTypes.dir),
      'it says that it has a hash index, and cannot',
    ],
    [view.getUint32(faddrAt, true) !== 0, 'a field that is not used is not zero'],
    [type === modeTypes.dir && inode.size >= 2 ** 32 && !features.has('large_dir'), 'the directory is too large'],
    [
      (special || type === modeTypes.symlink) && has(immutable | append),
      'a special file or symlink is immutable or only for appending',
    ],
    [special && inode.size !== 0, 'a special file has a size'],
    [special && has(inodeFlags.extents), 'a special file has extents'],
    [inode.xattrBlock !== 0 && !features.has('ext_attr'), 'it has extended attributes, which the file system has not'],
    [inode.xattrBlock >= 2 ** 32 && !features.has('64bit'), 'the upper half of a block number is not zero'],
    [inode.sectors >= 2 ** 32 && !features.has('huge_file'), 'it counts more blocks than it can'],
    [
      inode.size >= 2 ** 31 && type === modeTypes.file && !features.has('large_file'),
      'it is a large file, which the file system has not',
    ],
  ];
  for (const [broken, what] of rules) if (broken) report({ kind: 'inode', inode: inode.number }, what);
}

function hasTree({ map }: Inode): boolean {
  const view = new DataView(map.buffer, map.byteOffset, map.byteLength);
  return view.getUint16(0, true) === extentMagic && view.getUint16(4, true) <= 4 && view.getUint16(4, true) >= 2;
}
