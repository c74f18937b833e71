import type { ByteString } from '../../base/byte-string.ts';
import type { Digest } from '../../base/digest.ts';
import { PortkitError } from '../../base/errors.ts';
import type { NewAttributes } from '../../graph/ops.ts';
import { readNode } from '../../store/trees/access.ts';
import { encodeNode } from '../../store/trees/encode.ts';
import type { Attributes, Entry } from '../../store/trees/node.ts';
import { attributesOf, openChild } from '../../store/trees/overlay.ts';
import { change, findPlace, holderOf, nameOf, pathFrom } from '../../store/trees/place.ts';
import type { Place, TreeEditor } from '../../store/trees/place.ts';
import type { Scratch } from './scratch.ts';

/** What a directory has that nobody described. */
export const plainDirectory: Attributes = { mode: 0o755, uid: 0, gid: 0, mtime: { seconds: 0, nanos: 0 }, xattrs: [] };

/** What a file has that nobody described. */
export const plainFile: Attributes = { ...plainDirectory, mode: 0o644 };

/** These attributes with what an edit says about them. */
export function withAttributes(attributes: Attributes, { mode, uid, gid, mtime }: NewAttributes): Attributes {
  return {
    mode: mode === undefined ? attributes.mode : parseMode(mode),
    uid: uid === undefined ? attributes.uid : ownerOf(uid),
    gid: gid === undefined ? attributes.gid : ownerOf(gid),
    mtime: mtime === undefined ? attributes.mtime : { seconds: timeOf(mtime), nanos: 0 },
    xattrs: attributes.xattrs,
  };
}

/** Permission bits from octal digits. */
export function parseMode(mode: string): number {
  if (/^[0-7]{3,4}$/.test(mode)) return Number.parseInt(mode, 8);
  throw new PortkitError('PK1004', `The mode ${JSON.stringify(mode.slice(0, 40))} is not allowed`, {
    hint: 'A mode is three or four octal digits, such as "0755"',
  });
}

function ownerOf(id: number): number {
  if (Number.isInteger(id) && id >= 0 && id <= 0xffffffff) return id;
  throw new PortkitError('PK1004', `The owner ${id} is not allowed`, { hint: 'An owner is a number from 0 to 4294967295' });
}

function timeOf(seconds: number): number {
  if (Number.isSafeInteger(seconds)) return seconds;
  throw new PortkitError('PK1004', `The time ${seconds} is not allowed`, { hint: 'A time is whole seconds since 1970' });
}

/** Gives one inode its new attributes. */
export type AttributeChange = (attributes: Attributes, type: Entry['type']) => Attributes;

/** A tree with every inode changed. Hard links stay, as all names of a file are changed alike. */
export async function mapAttributes(tree: Digest, changed: AttributeChange, scratch: Scratch): Promise<Digest> {
  const done = new Map<Digest, Digest>();
  async function map(digest: Digest): Promise<Digest> {
    const known = done.get(digest);
    if (known !== undefined) return known;
    const node = await readNode(digest, scratch.access);
    const entries: Entry[] = [];
    for (const entry of node.entries) {
      entries.push(
        entry.type === 'dir'
          ? { ...entry, node: await map(entry.node) }
          : { ...entry, ...changed(attributesOf(entry), entry.type) },
      );
    }
    const result = scratch.add(encodeNode({ ...changed(attributesOf(node), 'dir'), entries, links: node.links }));
    done.set(digest, result);
    return result;
  }
  return map(tree);
}

/**
 * Changes the inode at a path, and with `recursive` everything below it. The other names of a file see the change, also
 * where they lie outside. Answers whether there is something.
 */
export async function changeAttributes(
  editor: TreeEditor,
  path: ByteString,
  { changed, recursive }: { readonly changed: AttributeChange; readonly recursive: boolean },
): Promise<boolean> {
  if (path === '') {
    await changeDirectory(editor, { trail: [editor.root], names: [] }, { changed, recursive });
    return true;
  }
  const place = await findPlace(editor, path);
  if (place === undefined || !holderOf(place).entries.has(nameOf(place))) return false;
  await changeAt(editor, place, { changed, recursive });
  return true;
}

interface Wanted {
  readonly changed: AttributeChange;
  readonly recursive: boolean;
}

/** The directory that a place's trail ends with. */
async function changeDirectory(editor: TreeEditor, place: Place, wanted: Wanted): Promise<void> {
  const directory = holderOf(place);
  change(place.trail);
  directory.attributes = wanted.changed(directory.attributes, 'dir');
  if (!wanted.recursive) return;
  editor.access.signal.throwIfAborted();
  for (const name of directory.entries.keys()) {
    await changeAt(editor, { trail: place.trail, names: [...place.names, name] }, wanted);
  }
}

async function changeAt(editor: TreeEditor, place: Place, wanted: Wanted): Promise<void> {
  const child = await openChild(holderOf(place), nameOf(place), editor.access);
  if (child !== undefined) return changeDirectory(editor, { trail: [...place.trail, child], names: place.names }, wanted);
  changeEntry(place, wanted.changed);
  for (const [at, directory] of place.trail.entries()) {
    for (const member of directory.links.get(pathFrom(place, at)) ?? []) {
      const other = await findPlace({ ...editor, root: directory }, member);
      if (other !== undefined) changeEntry(other, wanted.changed);
    }
  }
}

function changeEntry(place: Place, changed: AttributeChange): void {
  const entry = holderOf(place).entries.get(nameOf(place));
  if (entry === undefined || entry.type === 'open' || entry.type === 'dir') return;
  change(place.trail);
  holderOf(place).entries.set(nameOf(place), { ...entry, ...changed(attributesOf(entry), entry.type) });
}
