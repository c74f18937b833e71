import type { ByteString } from '../../base/byte-string.ts';
import { PortkitError } from '../../base/errors.ts';
import type { TreeWriteAccess } from './access.ts';
import { dropLinks } from './links.ts';
import type { Attributes, Entry } from './node.ts';
import { attributesOf, emptyDirectory, openChild } from './overlay.ts';
import type { OpenDirectory } from './overlay.ts';
import { sameBytes, showPath, splitPath } from './path.ts';

/** A tree being changed in memory. One change at a time: each waits for the one before. */
export interface TreeEditor {
  readonly access: TreeWriteAccess;
  readonly root: OpenDirectory;
}

/** An entry without its name, which its path gives. */
export type Unnamed = Entry extends infer One ? (One extends Entry ? Omit<One, 'name'> : never) : never;

/** The directories from the root down to the one that holds the last of the names, and the names. */
export interface Place {
  readonly trail: readonly [OpenDirectory, ...OpenDirectory[]];
  readonly names: readonly ByteString[];
}

/** The place of a path, its parents made where they are missing and marked as changed. */
export async function makePlace(editor: TreeEditor, path: ByteString, parents: Attributes): Promise<Place> {
  const names = splitPath(path);
  const trail: [OpenDirectory, ...OpenDirectory[]] = [editor.root];
  let directory = editor.root;
  for (const name of names.slice(0, -1)) {
    let child = await openChild(directory, name, editor.access);
    const there = directory.entries.get(name);
    if (child === undefined) {
      if (there !== undefined) {
        throw new PortkitError(
          'PK1003',
          `${showPath(path)} leads through ${showPath(name)}, which is no directory but a ${there.type}`,
          {
            hint: 'Links in a tree are not followed: name the path itself',
          },
        );
      }
      child = emptyDirectory(attributesOf(parents));
      directory.entries.set(name, child);
    }
    trail.push(child);
    directory = child;
  }
  if (names.length === 0) throw new PortkitError('PK1003', 'The root of a tree can only be a directory');
  change(trail);
  return { trail, names };
}

/** The place of a path, or undefined when its directory is not there. */
export async function findPlace(editor: TreeEditor, path: ByteString): Promise<Place | undefined> {
  const names = splitPath(path);
  const trail: [OpenDirectory, ...OpenDirectory[]] = [editor.root];
  let directory = editor.root;
  for (const name of names.slice(0, -1)) {
    const child = await openChild(directory, name, editor.access);
    if (child === undefined) return undefined;
    trail.push(child);
    directory = child;
  }
  return names.length === 0 ? undefined : { trail, names };
}

/** Puts an entry at the place, whatever was there. */
export function replace(place: Place, entry: Unnamed): void {
  dropFromGroups(place);
  change(place.trail);
  const name = nameOf(place);
  holderOf(place).entries.set(name, { ...entry, name });
}

/** What is at the place loses its hard links to the outside; only the directories above can hold their groups. */
export function dropFromGroups(place: Place): void {
  const there = holderOf(place).entries.get(nameOf(place));
  if (there === undefined) return;
  const below = there.type === 'dir' || there.type === 'open';
  for (const [at, { links }] of place.trail.entries()) {
    if (links.size > 0) dropLinks(links, pathFrom(place, at), below);
  }
}

/** The path of the place as seen from one directory of its trail. */
export function pathFrom(place: Place, at: number): ByteString {
  return sameBytes(place.names.slice(at).join('/'));
}

/** Marks directories as changed, so that they are written. */
export function change(directories: readonly OpenDirectory[]): void {
  for (const directory of directories) directory.unchanged = undefined;
}

/** The directory that holds the place. */
export function holderOf({ trail }: Place): OpenDirectory {
  return trail.at(-1) ?? trail[0];
}

/** The name of the place within its directory. */
export function nameOf({ names }: Place): ByteString {
  return names.at(-1) ?? sameBytes('');
}
