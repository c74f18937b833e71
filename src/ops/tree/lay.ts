import type { ByteString } from '../../base/byte-string.ts';
import type { Digest } from '../../base/digest.ts';
import { PortkitError } from '../../base/errors.ts';
import { readNode } from '../../store/trees/access.ts';
import { editTree, newTree, putDirectory, putEntry, putLink, writeTree } from '../../store/trees/editor.ts';
import { encodeNode } from '../../store/trees/encode.ts';
import { mergeTrees } from '../../store/trees/merge.ts';
import type { Entry } from '../../store/trees/node.ts';
import { attributesOf, openChild } from '../../store/trees/overlay.ts';
import type { OpenDirectory } from '../../store/trees/overlay.ts';
import { sameBytes, showPath, splitPath } from '../../store/trees/path.ts';
import { findPlace, holderOf, nameOf } from '../../store/trees/place.ts';
import type { TreeEditor, Unnamed } from '../../store/trees/place.ts';
import { selectItem } from '../../store/trees/select.ts';
import { plainDirectory } from './attributes.ts';
import type { Scratch } from './scratch.ts';

/** A tree while its edits are made, one after the other. */
export interface Making {
  readonly scratch: Scratch;
  editor: TreeEditor;
}

/** Begins with an empty directory. */
export function beginTree(scratch: Scratch): Making {
  return { scratch, editor: newTree(plainDirectory, scratch.access) };
}

/** Puts something at a path in the place of what is there, unless that is a directory. */
export async function putAt(making: Making, path: ByteString, entry: Unnamed): Promise<void> {
  await refuseDirectory(making, path);
  await putEntry(making.editor, path, { entry, parents: plainDirectory });
}

/** Makes a path one more name of a file, in the place of what is there, unless that is a directory. */
export async function linkAt(making: Making, path: ByteString, target: ByteString): Promise<void> {
  await refuseDirectory(making, path);
  await putLink(making.editor, path, { target, parents: plainDirectory });
}

/** What stands at a path of the tree that is made; a directory comes opened, with its attributes. */
export async function standingAt({ editor }: Making, path: ByteString): Promise<OpenDirectory | Leaf | undefined> {
  if (path === '') return editor.root;
  const place = await findPlace(editor, path);
  if (place === undefined) return undefined;
  const directory = await openChild(holderOf(place), nameOf(place), editor.access);
  if (directory !== undefined) return directory;
  const entry = holderOf(place).entries.get(nameOf(place));
  return entry?.type === 'dir' ? undefined : entry;
}

type Leaf = Exclude<Entry, { type: 'dir' }>;

async function refuseDirectory(making: Making, path: ByteString): Promise<void> {
  if ((await standingAt(making, path))?.type !== 'open') return;
  throw new PortkitError('PK3308', `${showPath(path)} is a directory in the tree`, {
    hint: 'Remove it first, or end the path with a slash to copy into it',
  });
}

/**
 * Lays a tree over what is at a path: directories are joined, and for the rest the new one wins. The directory at the path
 * keeps its attributes; the root has none before something is in it.
 */
export async function layAt(making: Making, path: ByteString, tree: Digest): Promise<void> {
  const { access } = making.scratch;
  const below = await writeTree(making.editor);
  const there = await selectItem(below, path, access);
  const keeps = there?.type === 'dir' && (path !== '' || there.entries.length > 0);
  const laid = keeps ? making.scratch.add(encodeNode({ ...(await readNode(tree, access)), ...attributesOf(there) })) : tree;
  const over = path === '' ? laid : await lifted(making, path, { below, laid });
  making.editor = await editTree(await mergeTrees([below, over], access), access);
}

/** A tree with nothing but the laid one at the path; its directories above have the attributes of those that are there. */
async function lifted(
  { scratch }: Making,
  path: ByteString,
  { below, laid }: { readonly below: Digest; readonly laid: Digest },
): Promise<Digest> {
  const { access } = scratch;
  const editor = newTree(attributesOf(await readNode(below, access)), access);
  const names = splitPath(path);
  for (let depth = 1; depth < names.length; depth += 1) {
    const above = sameBytes(names.slice(0, depth).join('/'));
    const item = await selectItem(below, above, access);
    if (item !== undefined && item.type !== 'dir') {
      throw new PortkitError('PK3308', `${showPath(path)} leads through ${showPath(above)}, which is a ${item.type}`, {
        hint: 'Links in a tree are not followed: name the path itself',
      });
    }
    await putDirectory(editor, above, {
      attributes: item === undefined ? plainDirectory : attributesOf(item),
      parents: plainDirectory,
    });
  }
  await putEntry(editor, path, { entry: { type: 'dir', node: laid }, parents: plainDirectory });
  return writeTree(editor);
}
