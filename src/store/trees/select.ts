import type { ByteString } from '../../base/byte-string.ts';
import type { Digest } from '../../base/digest.ts';
import { readItem, readNode } from './access.ts';
import type { Item, TreeAccess, TreeWriteAccess } from './access.ts';
import { editTree, newTree, putEntry, writeTree } from './editor.ts';
import { addGroup } from './links.ts';
import type { TreeNode } from './node.ts';
import { sameBytes, splitPath } from './path.ts';
import { change } from './place.ts';

/** What is at a path of a tree, or undefined. Links are not followed: a path through one leads nowhere. */
export async function selectItem(root: Digest, path: ByteString, access: TreeAccess): Promise<Item | undefined> {
  return (await descend(root, path, access))?.item;
}

/**
 * The tree that a path selects, or undefined when nothing is there. A directory is a tree already; anything else becomes the
 * one entry of a tree that has its directory's attributes. Files stay one inode when they were one in the whole tree, also
 * if it had names for them elsewhere; only then a directory is written anew.
 */
export async function selectTree(root: Digest, path: ByteString, access: TreeWriteAccess): Promise<Digest | undefined> {
  const found = await descend(root, path, access);
  if (found === undefined) return undefined;
  const { item, above } = found;
  const parent = above.at(-1);
  if (item.type !== 'dir') {
    if (parent === undefined) return undefined;
    const editor = newTree(parent, access);
    await putEntry(editor, item.name, { entry: item, parents: parent });
    return writeTree(editor);
  }
  const groups = inherited(above, splitPath(path));
  if (groups.length === 0) return item.node;
  const editor = await editTree(item.node, access);
  change([editor.root]);
  for (const group of groups) addGroup(editor.root.links, group);
  return writeTree(editor);
}

async function descend(
  root: Digest,
  path: ByteString,
  access: TreeAccess,
): Promise<{ readonly item: Item; readonly above: readonly TreeNode[] } | undefined> {
  const above: TreeNode[] = [];
  let item: Item = { ...(await readNode(root, access)), type: 'dir', name: sameBytes(''), node: root };
  for (const name of splitPath(path)) {
    if (item.type !== 'dir') return undefined;
    const entry = item.entries.find((one) => one.name === name);
    if (entry === undefined) return undefined;
    above.push(item);
    item = await readItem(entry, access);
  }
  return { item, above };
}

/** The groups of the directories above that have several names below the path, as seen from there. */
function inherited(above: readonly TreeNode[], names: readonly ByteString[]): readonly (readonly ByteString[])[] {
  return above.flatMap(({ links }, at) => {
    const prefix = `${names.slice(at).join('/')}/`;
    return links
      .map((group) => group.filter((path) => path.startsWith(prefix)).map((path) => sameBytes(path.slice(prefix.length))))
      .filter((group) => group.length > 1);
  });
}
