import type { ByteString } from '../../base/byte-string.ts';
import type { Digest } from '../../base/digest.ts';
import type { Item, TreeAccess } from './access.ts';
import { malformed } from './check.ts';
import { differences } from './differences.ts';
import { isBelow, joinPath, showPath } from './path.ts';
import { walkPairs } from './walk.ts';

/** One line of a listing; the root comes first and has the empty path. */
export interface Listed {
  readonly path: ByteString;
  readonly item: Item;
  /** For a hard-linked file that is not the first of its group in this order: the path of the first. */
  readonly linkedTo: ByteString | undefined;
}

/** A directory that has groups of hard links, and how many of their members are still to come. */
interface Holder {
  readonly path: ByteString;
  pending: number;
}

interface Group {
  readonly holder: Holder;
  first?: { readonly path: ByteString; readonly item: Item };
}

/**
 * Everything in a tree, lazily: a directory before its entries, entries by name as bytes. Equal subtrees may hang in many
 * places, so a small tree can have a listing without end: the reader stops when it has seen enough. A single node cannot
 * show whether its hard links lead to files that are alike; a listing does, and refuses (PK2103) those that do not.
 */
export async function* listTree(root: Digest, access: TreeAccess): AsyncGenerator<Listed> {
  /** The group of every member that is still to come. */
  const groups = new Map<ByteString, Group>();
  const holders: Holder[] = [];
  for await (const { path, after: item } of walkPairs([undefined, root], access)) {
    if (item === undefined) continue;
    for (let top = holders.at(-1); top !== undefined && !isBelow(path, top.path); top = holders.at(-1)) {
      leave(holders.pop(), root);
    }
    const group = groups.get(path);
    yield { path, item, linkedTo: group && meet(group, { path, item }, root) };
    groups.delete(path);
    if (item.type !== 'dir' || item.links.length === 0) continue;
    const holder = { path, pending: item.links.flat().length };
    holders.push(holder);
    for (const members of item.links) {
      const shared: Group = { holder };
      for (const member of members) groups.set(joinPath(path, member), shared);
    }
  }
  for (const holder of holders) leave(holder, root);
}

/** One more member of a group; answers the first, unless this is it. */
function meet(group: Group, one: { readonly path: ByteString; readonly item: Item }, root: Digest): ByteString | undefined {
  group.holder.pending -= 1;
  group.first ??= one;
  if (one.item.type !== 'file' || differences(group.first.item, one.item).length > 0) {
    throw malformed(root, `${showPath(one.path)} is not the file that it is hard-linked to`);
  }
  return group.first === one ? undefined : group.first.path;
}

function leave(holder: Holder | undefined, root: Digest): void {
  if (holder !== undefined && holder.pending > 0) {
    throw malformed(root, `a hard link in ${showPath(holder.path)} leads nowhere, or a file is in two groups`);
  }
}
