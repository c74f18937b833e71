import { createHash } from 'node:crypto';
import type { ByteString } from '../../base/byte-string.ts';
import { digestFromHex } from '../../base/digest.ts';
import type { Digest } from '../../base/digest.ts';
import { PortkitError } from '../../base/errors.ts';
import { decompress, defaultDecompressLimits } from '../../formats/compression/decompress.ts';
import type { CompressedFormat, Unxz } from '../../formats/compression/decompress.ts';
import { defaultTarLimits } from '../../formats/tar/entry.ts';
import { readTar } from '../../formats/tar/read.ts';
import { removeEntry } from '../../store/trees/editor.ts';
import { openChild } from '../../store/trees/overlay.ts';
import { joinPath, sameBytes } from '../../store/trees/path.ts';
import { findPlace, holderOf, nameOf } from '../../store/trees/place.ts';
import type { TreeEditor } from '../../store/trees/place.ts';
import type { Descriptor } from '../../oci/model/descriptor.ts';
import type { FileWorld } from '../input.ts';
import { takeFiles } from '../take-files.ts';
import { putTarEntry, storeTarEntry } from '../tar-entry.ts';
import type { StoredEntry } from '../tar-entry.ts';
import { malformedImage } from './documents.ts';

/** What a layer does to what is below it; nothing of it is done before all of it was read and right. */
export interface Layer {
  /** Directories of which nothing from below stays. */
  readonly opaque: readonly ByteString[];
  readonly removed: readonly ByteString[];
  readonly entries: readonly StoredEntry[];
}

const formats: ReadonlyMap<string, CompressedFormat | 'none'> = new Map([
  ['application/vnd.oci.image.layer.v1.tar', 'none'],
  ['application/vnd.oci.image.layer.v1.tar+gzip', 'gzip'],
  ['application/vnd.oci.image.layer.v1.tar+zstd', 'zstd'],
  ['application/vnd.oci.image.layer.nondistributable.v1.tar', 'none'],
  ['application/vnd.oci.image.layer.nondistributable.v1.tar+gzip', 'gzip'],
  ['application/vnd.oci.image.layer.nondistributable.v1.tar+zstd', 'zstd'],
  ['application/vnd.docker.image.rootfs.diff.tar.gzip', 'gzip'],
  ['application/vnd.docker.image.rootfs.diff.tar.zstd', 'zstd'],
]);

/** No media type of a layer says xz. */
const unxz: Unxz = () => {
  throw malformedImage('a layer is compressed with xz');
};

/** What aufs kept for itself below these names is nothing of the image. */
const aufsNotes = /(?:^|\/)\.wh\.\.wh\.(?!\.opq$)/;

/** Puts the files of a layer into the store. `content` is checked as it came; here it is checked what it unpacks to. */
export async function readLayer(
  content: AsyncIterable<Uint8Array>,
  { layer, diffId }: { readonly layer: Descriptor; readonly diffId: Digest },
  world: FileWorld & { readonly signal: AbortSignal },
): Promise<Layer> {
  const format = formats.get(layer.mediaType);
  if (format === undefined) throw malformedImage(`a layer is of the type ${JSON.stringify(layer.mediaType.slice(0, 100))}`);
  const { signal } = world;
  const limits = defaultDecompressLimits;
  const plain = format === 'none' ? content : decompress(content, { format, limits, unxz }, signal);
  const hash = createHash('sha256');
  const files = takeFiles(world, signal);
  const [opaque, removed, entries]: [ByteString[], ByteString[], StoredEntry[]] = [[], [], []];
  for await (const entry of readTar(hashed(plain, hash), { ...defaultTarLimits, openLinks: true }, signal)) {
    const slash = entry.path.lastIndexOf('/') + 1;
    const name = entry.path.slice(slash);
    if (aufsNotes.test(entry.path)) continue;
    if (!name.startsWith('.wh.')) entries.push(await storeTarEntry(entry, files));
    else if (name === '.wh..wh..opq') opaque.push(sameBytes(entry.path.slice(0, Math.max(0, slash - 1))));
    else removed.push(whitedOut(entry.path, slash));
  }
  await files.finish();
  const found = digestFromHex(hash.digest('hex'));
  if (found === diffId) return { opaque, removed, entries };
  throw new PortkitError('PK3202', `A layer unpacks to ${found}, and the image says ${diffId}`);
}

/**
 * Lays a layer over the tree. Its whiteouts are for what is below only, so they go first; hard links to files that are not
 * there yet go last.
 */
export async function applyLayer(editor: TreeEditor, { opaque, removed, entries }: Layer): Promise<void> {
  for (const path of opaque) await emptyOut(editor, path);
  for (const path of removed) await removeEntry(editor, path);
  const later: StoredEntry[] = [];
  for (const entry of entries) {
    if (entry.type === 'hardlink' && !(await isFile(editor, entry.target))) later.push(entry);
    else await putTarEntry(editor, entry);
  }
  for (const entry of later) await putTarEntry(editor, entry);
}

async function isFile(editor: TreeEditor, path: ByteString): Promise<boolean> {
  const place = await findPlace(editor, path);
  return place !== undefined && holderOf(place).entries.get(nameOf(place))?.type === 'file';
}

/** Removes what a directory holds and leaves the directory. */
async function emptyOut(editor: TreeEditor, path: ByteString): Promise<void> {
  const place = await findPlace(editor, path);
  const child = place && (await openChild(holderOf(place), nameOf(place), editor.access));
  const directory = path === '' ? editor.root : child;
  for (const name of directory?.entries.keys() ?? []) await removeEntry(editor, joinPath(path, name));
}

function whitedOut(path: ByteString, slash: number): ByteString {
  const name = path.slice(slash + '.wh.'.length);
  if (name === '' || name === '.' || name === '..') throw malformedImage('a whiteout names nothing');
  return sameBytes(path.slice(0, slash) + name);
}

async function* hashed(
  content: AsyncIterable<Uint8Array>,
  hash: { update(bytes: Uint8Array): unknown },
): AsyncGenerator<Uint8Array> {
  for await (const chunk of content) {
    hash.update(chunk);
    yield chunk;
  }
}
