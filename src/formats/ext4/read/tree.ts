import type { ByteString } from '../../../base/byte-string.ts';
import { showBytes } from '../../../base/byte-string.ts';
import type { FileEntry, FileTree, ImageReader } from '../../file-tree.ts';
import { inodeNumbers, modeTypes } from '../disk/inode.ts';
import { attributesReader } from './attributes.ts';
import type { Attributes } from './attributes.ts';
import { contentsOf } from './content.ts';
import type { Name } from './directory.ts';
import { directoryBlocks, namesOf } from './directory.ts';
import type { FileSystem } from './file-system.ts';
import { openForReading } from './file-system.ts';
import type { Inode } from './inode.ts';
import { checkInodeSum, inodeTable, parseInode, typeOf } from './inode.ts';
import { refuseDamage, tooMuch } from './report.ts';
import { specialEntry } from './special.ts';

/** As long as a path may be in system calls. */
const longestPath = 4096;

/** How much of an image is taken, and until when. */
export interface ReadOptions {
  readonly signal: AbortSignal;
  /** The most names. */
  readonly mostEntries?: number;
}

/** What one reading carries with it. */
interface Reading extends ReadOptions {
  readonly fs: FileSystem;
  readonly inodeOf: (number: number) => Inode;
  readonly attributesOf: (inode: Inode) => Attributes;
  readonly entries: FileEntry[];
  /** The first path of every inode that is not a directory and has several. */
  readonly firstPaths: Map<number, ByteString>;
  /** Blocks and inodes of directories: none may come twice, or a small image would be an endless tree. */
  readonly seen: { readonly blocks: Set<number>; readonly directories: Set<number> };
}

/**
 * The tree in an ext4 image, as mke2fs, the kernel or portkit make them: the root first, names sorted, hard links to the
 * first path of their file. Damage is PK3551, what is not read PK3552, more than is taken PK3553. Inodes without a name are
 * passed over; extended attributes with the names and values that the kernel shows.
 */
export function readExt4(image: ImageReader, options: ReadOptions): FileTree {
  const fs = openForReading(image);
  const table = inodeTable(fs);
  const reading: Reading = {
    ...options,
    fs,
    inodeOf(number) {
      const bytes = table(number) ?? refuseDamage({ kind: 'inode', inode: number }, 'there is no such inode');
      const inode = parseInode(number, bytes);
      checkInodeSum(fs, inode, refuseDamage);
      return inode;
    },
    attributesOf: attributesReader(fs),
    entries: [],
    firstPaths: new Map(),
    seen: { blocks: new Set(), directories: new Set() },
  };
  const root = reading.inodeOf(inodeNumbers.root);
  if (typeOf(root) !== modeTypes.dir) refuseDamage({ kind: 'inode', inode: inodeNumbers.root }, 'the root is no directory');
  addDirectory(reading, root, '' as ByteString);
  return { entries: reading.entries, contents: contentsOf(fs) };
}

function addDirectory(reading: Reading, inode: Inode, path: ByteString): void {
  const { fs, seen } = reading;
  const place = { kind: 'inode', inode: inode.number } as const;
  if (seen.directories.has(inode.number)) refuseDamage(place, 'the directory stands at two places');
  seen.directories.add(inode.number);
  addEntry(reading, { path, type: 'dir', ...reading.attributesOf(inode) });
  const names: Name[] = [];
  for (const block of directoryBlocks(fs, inode, refuseDamage)) {
    reading.signal.throwIfAborted();
    if (seen.blocks.has(block.block)) refuseDamage(place, 'a block of the directory belongs to another one too');
    seen.blocks.add(block.block);
    for (const name of namesOf(fs, inode, { block, report: refuseDamage })) if (name.index > 1) names.push(name);
  }
  names.sort((a, b) => (a.name < b.name ? -1 : 1));
  let before: ByteString | undefined;
  for (const { name, inode: number } of names) {
    if (name === before) refuseDamage(place, `the name ${JSON.stringify(showBytes(name))} comes twice`);
    before = name;
    addName(reading, number, (path === '' ? name : `${path}/${name}`) as ByteString);
  }
}

function addName(reading: Reading, number: number, path: ByteString): void {
  const target = reading.firstPaths.get(number);
  if (target !== undefined) {
    addEntry(reading, { path, type: 'hardlink', target });
    return;
  }
  const inode = reading.inodeOf(number);
  if (inode.links === 0)
    refuseDamage({ kind: 'inode', inode: number }, `it is deleted, but is ${JSON.stringify(showBytes(path))}`);
  if (typeOf(inode) === modeTypes.dir) {
    addDirectory(reading, inode, path);
    return;
  }
  reading.firstPaths.set(number, path);
  addEntry(reading, specialEntry(reading.fs, inode, { path, ...reading.attributesOf(inode) }));
}

function addEntry(reading: Reading, entry: FileEntry): void {
  const most = reading.mostEntries ?? 10_000_000;
  if (entry.path.length > longestPath) throw tooMuch(`a path is longer than ${String(longestPath)} bytes`);
  if (reading.entries.length >= most) throw tooMuch(`it has more than ${String(most)} names`);
  reading.entries.push(entry);
}
