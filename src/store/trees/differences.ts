import { isDeepStrictEqual } from 'node:util';
import type { Item } from './access.ts';

/** What two versions of an entry can differ in; `links` are the hard link groups that stand in a directory. */
export type Difference = 'type' | 'content' | 'target' | 'device' | 'mode' | 'owner' | 'mtime' | 'xattrs' | 'links';

/** What differs, apart from names and from what is in directories; nothing when the two are alike. */
export function differences(before: Item, after: Item): readonly Difference[] {
  const found: Difference[] = before.type === after.type ? ownDifferences(before, after) : ['type'];
  if (before.mode !== after.mode) found.push('mode');
  if (before.uid !== after.uid || before.gid !== after.gid) found.push('owner');
  if (!isDeepStrictEqual(before.mtime, after.mtime)) found.push('mtime');
  if (!isDeepStrictEqual(before.xattrs, after.xattrs)) found.push('xattrs');
  return found;
}

/** What only entries of the one type have. */
function ownDifferences(before: Item, after: Item): Difference[] {
  if (before.type === 'file' && after.type === 'file') {
    return before.content === after.content && before.size === after.size ? [] : ['content'];
  }
  if (before.type === 'symlink' && after.type === 'symlink') return before.target === after.target ? [] : ['target'];
  if (before.type === 'dir' && after.type === 'dir') return isDeepStrictEqual(before.links, after.links) ? [] : ['links'];
  if ('major' in before && 'major' in after) {
    return before.major === after.major && before.minor === after.minor ? [] : ['device'];
  }
  return [];
}
