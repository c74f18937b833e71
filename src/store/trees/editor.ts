import type { ByteString } from '../../base/byte-string.ts';
import type { Digest } from '../../base/digest.ts';
import { PortkitError } from '../../base/errors.ts';
import type { TreeWriteAccess } from './access.ts';
import { addGroup, takeGroup } from './links.ts';
import type { Attributes } from './node.ts';
import { attributesOf, emptyDirectory, openChild, openDirectory, writeDirectory } from './overlay.ts';
import type { OpenDirectory } from './overlay.ts';
import { joinPath, sameBytes, showPath } from './path.ts';
import { change, dropFromGroups, findPlace, holderOf, makePlace, nameOf, pathFrom, replace } from './place.ts';
import type { Place, TreeEditor, Unnamed } from './place.ts';

/** Begins to change a stored tree. */
export async function editTree(root: Digest, access: TreeWriteAccess): Promise<TreeEditor> {
  return { access, root: await openDirectory(root, access) };
}

/** Begins a new tree, whose root has these attributes. */
export function newTree(attributes: Attributes, access: TreeWriteAccess): TreeEditor {
  return { access, root: emptyDirectory(attributes) };
}

/** Makes all changes durable; answers the digest of the tree. The editor can be used further. */
export async function writeTree({ access, root }: TreeEditor): Promise<Digest> {
  if (root.unchanged !== undefined) return root.unchanged;
  const batch = access.blobs.batch();
  const written = new Map<OpenDirectory, Digest>();
  const digest = await writeDirectory(root, { access, written, add: (bytes) => batch.add(bytes) });
  await batch.commit(access.signal);
  for (const [directory, unchanged] of written) directory.unchanged = unchanged;
  return digest;
}

/**
 * Puts an entry in the place of whatever is there; missing parents are made with the attributes given. A new file is a new
 * inode: the path leaves its hard link group, whose other names stay linked.
 */
export async function putEntry(
  editor: TreeEditor,
  path: ByteString,
  { entry, parents }: { readonly entry: Unnamed; readonly parents: Attributes },
): Promise<void> {
  replace(await makePlace(editor, path, parents), entry);
}

/** Makes a directory, or gives the one that is there other attributes and keeps what it holds. The root is the empty path. */
export async function putDirectory(
  editor: TreeEditor,
  path: ByteString,
  { attributes, parents }: { readonly attributes: Attributes; readonly parents: Attributes },
): Promise<void> {
  if (path === '') {
    change([editor.root]);
    editor.root.attributes = attributesOf(attributes);
    return;
  }
  const place = await makePlace(editor, path, parents);
  const directory = await openChild(holderOf(place), nameOf(place), editor.access);
  if (directory === undefined) {
    dropFromGroups(place);
    holderOf(place).entries.set(nameOf(place), emptyDirectory(attributesOf(attributes)));
  } else {
    change([directory]);
    directory.attributes = attributesOf(attributes);
  }
}

/** Makes `path` one more name of the file at `target`, in the place of whatever is there. */
export async function putLink(
  editor: TreeEditor,
  path: ByteString,
  { target, parents }: { readonly target: ByteString; readonly parents: Attributes },
): Promise<void> {
  const old = await findPlace(editor, target);
  const file = old && holderOf(old).entries.get(nameOf(old));
  if (old === undefined || file?.type !== 'file' || target.startsWith(`${path}/`)) {
    throw new PortkitError('PK1003', `${showPath(path)} cannot be a hard link to ${showPath(target)}`, {
      hint: 'A hard link leads to a file that is in the tree and stays there',
    });
  }
  if (path === target) return;
  const place = await makePlace(editor, path, parents);
  replace(place, file);
  joinGroup(place, old);
}

/** Makes two files one inode, at their lowest common directory; the group of the second comes along. */
function joinGroup(place: Place, old: Place): void {
  const common = place.trail.findLastIndex((directory, at) => directory === old.trail[at]);
  const found = old.trail.findIndex(({ links }, at) => links.has(pathFrom(old, at)));
  const level = found < 0 ? common : Math.min(common, found);
  const group = [pathFrom(place, level), pathFrom(old, level)];
  const lower = old.trail[found]?.links;
  if (found > level && lower !== undefined) {
    const prefix = sameBytes(old.names.slice(level, found).join('/'));
    for (const member of takeGroup(lower, pathFrom(old, found))) group.push(joinPath(prefix, member));
    change(old.trail.slice(0, found + 1));
  }
  const top = place.trail[level];
  if (top !== undefined) addGroup(top.links, group);
}

/** Removes what is at a path, with everything below it; answers whether there was something. */
export async function removeEntry(editor: TreeEditor, path: ByteString): Promise<boolean> {
  const place = await findPlace(editor, path);
  if (place === undefined || !holderOf(place).entries.has(nameOf(place))) return false;
  change(place.trail);
  dropFromGroups(place);
  return holderOf(place).entries.delete(nameOf(place));
}
