import type { Digest } from '../../base/digest.ts';
import { readNode } from './access.ts';
import type { TreeWriteAccess } from './access.ts';
import { editTree, writeTree } from './editor.ts';
import { addGroup } from './links.ts';
import type { TreeNode } from './node.ts';
import { attributesOf, openChild } from './overlay.ts';
import { change, dropFromGroups, holderOf, replace } from './place.ts';
import type { Place, TreeEditor } from './place.ts';

/**
 * Lays trees over each other, later ones on top. Directories that several have are joined and take the attributes of the
 * last; for everything else the last wins, also when types differ. Two files are one inode in the result when both come from
 * the same base and are one there. A base with nothing in it adds nothing, not even the attributes of its root.
 *
 * Merging is associative as long as no name is a directory in one tree and something else in another: of trees d/x, d and
 * d/y all three make d/y, but the last two alone make d/y as well, which on top of d/x keeps d/x.
 */
export async function mergeTrees(bases: readonly [Digest, ...Digest[]], access: TreeWriteAccess): Promise<Digest> {
  const layers: Digest[] = [];
  for (const base of bases) {
    if (base !== layers.at(-1) && (await readNode(base, access)).entries.length > 0) layers.push(base);
  }
  const [lowest, ...others] = layers;
  if (lowest === undefined) return bases.at(-1) ?? bases[0];
  if (others.length === 0) return lowest;
  const editor = await editTree(lowest, access);
  for (const layer of others) await layOver(editor, layer);
  return writeTree(editor);
}

/** Lays a tree over the one being edited: its entries win, directories that both have are joined. */
async function layOver(editor: TreeEditor, tree: Digest): Promise<void> {
  await joinDirectory(editor, { trail: [editor.root], names: [] }, await readNode(tree, editor.access));
}

async function joinDirectory(editor: TreeEditor, { trail, names }: Place, node: TreeNode): Promise<void> {
  const directory = holderOf({ trail, names });
  change(trail);
  directory.attributes = attributesOf(node);
  for (const entry of node.entries) {
    const place: Place = { trail, names: [...names, entry.name] };
    const there = directory.entries.get(entry.name);
    if (entry.type !== 'dir' || (there?.type !== 'dir' && there?.type !== 'open')) replace(place, entry);
    else if ((there.type === 'dir' ? there.node : there.unchanged) === entry.node) dropFromGroups(place);
    else {
      const child = await openChild(directory, entry.name, editor.access);
      const inner = await readNode(entry.node, editor.access);
      if (child !== undefined) await joinDirectory(editor, { trail: [...trail, child], names: place.names }, inner);
    }
  }
  for (const group of node.links) addGroup(directory.links, group);
}
