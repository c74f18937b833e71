import type { ByteString } from '../../../base/byte-string.ts';
import { byteString, showBytes } from '../../../base/byte-string.ts';
import { entryTypes } from '../disk/directory.ts';
import { inodeFlags, inodeNumbers, modeTypes } from '../disk/inode.ts';
import type { Name } from '../read/directory.ts';
import { directoryBlocks, namesOf } from '../read/directory.ts';
import { parseInode } from '../read/inode.ts';
import type { Checking } from './checking.ts';
import { checkHashIndex } from './hash-index.ts';

/** How the directories hang together, as their entries say. */
export interface Directories {
  /** By directory, the one that has its name. */
  readonly parents: Map<number, number>;
  /** By directory, what its `..` says. */
  readonly above: Map<number, number>;
}

const typeBytes: Readonly<Record<number, number>> = {
  [modeTypes.file]: entryTypes.file,
  [modeTypes.dir]: entryTypes.dir,
  [modeTypes.char]: entryTypes.char,
  [modeTypes.block]: entryTypes.block,
  [modeTypes.fifo]: entryTypes.fifo,
  [modeTypes.socket]: entryTypes.socket,
  [modeTypes.symlink]: entryTypes.symlink,
};

/** Where a repair puts what it finds; making it would change the image. */
const lostAndFound = byteString('lost+found');

/** The second pass: the names in every directory that the first one found. */
export function checkDirectories(checking: Checking): Directories {
  const directories: Directories = { parents: new Map(), above: new Map() };
  for (const number of checking.directories) {
    checking.signal.throwIfAborted();
    checkDirectory(checking, directories, number);
  }
  return directories;
}

function checkDirectory(checking: Checking, directories: Directories, number: number): void {
  const { fs, report } = checking;
  const place = { kind: 'inode', inode: number } as const;
  const inode = parseInode(number, checking.table(number)!);
  const names = new Set<ByteString>();
  const blocks: number[] = [];
  const namesOfBlocks: ByteString[][] = [];
  for (const block of directoryBlocks(fs, inode, report)) {
    // What two directories share was said; to read it for each could take for ever.
    if (checking.directoryBlocks.has(block.block)) break;
    checking.directoryBlocks.add(block.block);
    blocks.push(block.block);
    const here: ByteString[] = [];
    namesOfBlocks.push(here);
    for (const name of namesOf(fs, inode, { block, report })) {
      if (names.has(name.name)) report(place, `the name ${JSON.stringify(showBytes(name.name))} comes twice`);
      names.add(name.name);
      here.push(name.name);
      checkName(checking, directories, { directory: number, name });
    }
  }
  if ((inode.flags & inodeFlags.index) !== 0) checkHashIndex(fs, { blocks, names: namesOfBlocks }, (what) => report(place, what));
  if (number === inodeNumbers.root && !names.has(lostAndFound)) report(place, 'there is no directory lost+found');
}

function checkName(
  { fs, report, facts }: Checking,
  { parents, above }: Directories,
  { directory, name }: { readonly directory: number; readonly name: Name },
): void {
  const shown = JSON.stringify(showBytes(name.name));
  const wrong = (what: string): void => report({ kind: 'inode', inode: directory }, what);
  const reserved = name.inode < fs.superblock.firstInode && name.inode !== inodeNumbers.root;
  if (name.inode > fs.superblock.inodes || reserved || !facts.isUsed(name.inode)) {
    wrong(`the name ${shown} is that of inode ${String(name.inode)}, which is not in use`);
    return;
  }
  const type = facts.typeOf(name.inode);
  const expected = fs.superblock.features.has('filetype') ? (typeBytes[type] ?? 0) : 0;
  if (name.type !== expected) wrong(`the name ${shown} says another kind of file than its inode`);
  if (name.index === 0) {
    if (name.inode !== directory) wrong('"." is not the directory itself');
  } else if (name.index === 1) {
    above.set(directory, name.inode);
  } else if (type === modeTypes.dir) {
    if (parents.has(name.inode) || name.inode === inodeNumbers.root) wrong(`${shown} is one more name of a directory`);
    else parents.set(name.inode, directory);
  }
  facts.addName(name.inode);
}
