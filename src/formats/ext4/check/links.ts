import { inodeNumbers, maximumLinks, modeTypes } from '../disk/inode.ts';
import type { Checking } from './checking.ts';
import type { Directories } from './directories.ts';

/** The third pass: every directory is below the root, and its `..` is where its name is. */
export function checkConnections({ report, directories }: Checking, { parents, above }: Directories): void {
  const connected = new Set<number>([inodeNumbers.root]);
  for (const directory of directories) {
    const place = { kind: 'inode', inode: directory } as const;
    const parent = directory === inodeNumbers.root ? directory : parents.get(directory);
    if (parent === undefined) report(place, 'the directory has no name');
    if (parent !== undefined && above.get(directory) !== parent)
      report(place, `".." is inode ${String(above.get(directory))}, its name is in ${String(parent)}`);
    if (parent !== undefined && !reachesRoot(directory, parents, connected)) report(place, 'the directory cannot be reached');
  }
}

/** Follows the parents up to one that is known to be reached; everything on the way is then known too. */
function reachesRoot(directory: number, parents: ReadonlyMap<number, number>, connected: Set<number>): boolean {
  const way = new Set<number>();
  for (let at: number | undefined = directory; at !== undefined && !way.has(at); at = parents.get(at)) {
    if (connected.has(at)) {
      for (const one of way) connected.add(one);
      return true;
    }
    way.add(at);
  }
  return false;
}

/** The fourth pass: every inode in use has as many names as it says. */
export function checkLinks({ fs, report, facts }: Checking): void {
  for (const inode of facts.all()) {
    const type = facts.typeOf(inode);
    if (type === 0 && facts.linksOf(inode) === 0) continue;
    const names = facts.namesOf(inode);
    const links = facts.linksOf(inode);
    const many = type === modeTypes.dir && links === 1 && names > maximumLinks && fs.superblock.features.has('dir_nlink');
    if (names === 0) report({ kind: 'inode', inode }, 'it is in use and has no name');
    else if (names !== links && !many) report({ kind: 'inode', inode }, `it counts ${String(links)} links, has ${String(names)}`);
  }
}
