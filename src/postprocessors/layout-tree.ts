import { byteString } from '../base/byte-string.ts';
import type { Digest } from '../base/digest.ts';
import { hexOf, parseDigest } from '../base/digest.ts';
import { PortkitError } from '../base/errors.ts';
import type { Ref } from '../base/ref.ts';
import { entryName, inOrder } from '../oci/layout/entries.ts';
import { mark } from '../oci/layout/files.ts';
import { isLayout, treeSource } from '../oci/layout/tree.ts';
import type { Descriptor } from '../oci/model/descriptor.ts';
import type { Produced } from '../oci/model/produce.ts';
import { produceIndex } from '../oci/model/produce.ts';
import type { FileWorld } from '../ops/input.ts';
import { editTree, newTree, putEntry, writeTree } from '../store/trees/editor.ts';
import type { Attributes } from '../store/trees/node.ts';
import type { TreeEditor } from '../store/trees/place.ts';
import { selectItem } from '../store/trees/select.ts';

/** A blob that is in the store already. */
export interface StoredBlob {
  readonly digest: Digest;
  readonly size: number;
}

/** What goes into a layout besides what is there. */
export interface Addition {
  readonly blobs: readonly StoredBlob[];
  /** Small documents, which are written. */
  readonly documents: readonly Produced[];
  /** What index.json lists. */
  readonly manifests: readonly Descriptor[];
}

/** Where layouts are read and written. */
export interface LayoutWorld extends FileWorld {
  readonly signal: AbortSignal;
}

/** A layout from nothing, as a tree whose files are the blobs of the store. */
export async function writeLayout(addition: Addition, world: LayoutWorld): Promise<Ref> {
  const editor = newTree(folder, world);
  await put(editor, 'oci-layout', (await keep([Buffer.from(mark)], world))[0]);
  return filled(editor, addition, world);
}

/** A tree with the mark of a layout, if only that is missing. */
export async function withMark(tree: Digest, world: LayoutWorld): Promise<Digest> {
  if ((await selectItem(tree, byteString('oci-layout'), world)) !== undefined) return tree;
  const editor = await editTree(tree, world);
  await put(editor, 'oci-layout', (await keep([Buffer.from(mark)], world))[0]);
  return writeTree(editor);
}

/** A layout with more in it. */
export async function extendLayout(layout: Digest, addition: Addition, world: LayoutWorld): Promise<Ref> {
  const manifests = [...(await readLayout(layout, world)), ...addition.manifests];
  return filled(await editTree(layout, world), { ...addition, manifests }, world);
}

/** What the index.json of a layout lists; PK4103 when the tree is no layout, PK4002 when it is malformed. */
export async function readLayout(layout: Digest, { blobs, signal }: LayoutWorld): Promise<readonly Descriptor[]> {
  if (await isLayout(layout, blobs, signal)) return treeSource(layout, blobs).roots(signal);
  throw new PortkitError('PK4103', 'The tree is no OCI layout: it has no files oci-layout and index.json', {
    hint: 'A step of type oci makes a layout',
  });
}

/** The one manifest of a layout that has a name: what postprocessors work on. */
export async function mainManifest(layout: Digest, world: LayoutWorld): Promise<Descriptor> {
  const named = (await readLayout(layout, world)).filter((one) => entryName(one) !== undefined);
  const [main] = named;
  if (main !== undefined && named.length === 1) return main;
  throw new PortkitError('PK4103', `The layout has ${named.length} manifests with a name, and one is needed`, {
    hint: 'A step of type oci makes such a layout',
  });
}

async function filled(editor: TreeEditor, { blobs, documents, manifests }: Addition, world: LayoutWorld): Promise<Ref> {
  const written = await keep(
    documents.map(({ bytes }) => bytes),
    world,
  );
  for (const blob of [...blobs, ...written]) await put(editor, pathOf(blob.digest), blob);
  const [index] = await keep([produceIndex({ manifests: inOrder(once(manifests)) }).bytes], world);
  await put(editor, 'index.json', index);
  return { kind: 'tree', digest: await writeTree(editor) };
}

/** Where a layout has a blob. */
export function pathOf(digest: string): string {
  return `blobs/sha256/${hexOf(parseDigest(digest))}`;
}

/** Each manifest once under each name. */
function once(manifests: readonly Descriptor[]): readonly Descriptor[] {
  return [...new Map(manifests.map((one) => [`${entryName(one) ?? ''}\n${one.digest}`, one])).values()];
}

const file: Attributes = { mode: 0o644, uid: 0, gid: 0, mtime: { seconds: 0, nanos: 0 }, xattrs: [] };
const folder: Attributes = { ...file, mode: 0o755 };

async function put(editor: TreeEditor, path: string, blob: StoredBlob | undefined): Promise<void> {
  if (blob === undefined) throw new Error(`There is nothing to be put at ${path}`);
  const entry = { ...file, type: 'file' as const, content: blob.digest, size: blob.size };
  await putEntry(editor, byteString(path), { entry, parents: folder });
}

async function keep(contents: readonly Uint8Array[], { blobs, signal }: LayoutWorld): Promise<readonly StoredBlob[]> {
  const batch = blobs.batch();
  const kept = contents.map((bytes) => ({ digest: batch.add(bytes), size: bytes.length }));
  await batch.commit(signal);
  return kept;
}
