import { existsSync, statSync } from 'node:fs';
import { realpath } from 'node:fs/promises';
import { join } from 'node:path';
import { fileTreeOf } from '../artifacts/file-tree.ts';
import type { Digest } from '../base/digest.ts';
import { PortkitError } from '../base/errors.ts';
import { byteReader } from '../formats/byte-reader.ts';
import { decompress, defaultDecompressLimits, detectCompression } from '../formats/compression/decompress.ts';
import type { Unxz } from '../formats/compression/decompress.ts';
import type { CpioEntry } from '../formats/cpio/entry.ts';
import { readCpio } from '../formats/cpio/read.ts';
import { readExt4 } from '../formats/ext4/read/tree.ts';
import type { FileEntry, FileTree } from '../formats/file-tree.ts';
import { defaultTarLimits } from '../formats/tar/entry.ts';
import type { TarEntry } from '../formats/tar/entry.ts';
import { readTar } from '../formats/tar/read.ts';
import { entryName } from '../oci/layout/entries.ts';
import { treeOfEntries } from '../ops/extract.ts';
import { imageOp } from '../ops/image.ts';
import { readLayoutIndex } from '../ops/image/layout.ts';
import { openScratch, piecesOf, writeAt } from '../ops/scratch-file.ts';
import { listTree } from '../store/trees/list.ts';
import { noSocket } from './archive.ts';
import { readDirectory } from './directory.ts';
import { imageReaderOn, openImageFile, unreadable } from './reader.ts';
import { spoolOn } from './spool.ts';

/** What loading is lent. */
export interface LoadWorld {
  /** Where sources that can be read only once are kept meanwhile. */
  readonly scratch: string;
  readonly unxz: Unxz;
  /** `os/architecture`, for layouts with images for several. */
  readonly platform: string;
  readonly stdin: () => AsyncIterable<Uint8Array>;
}

/** A tree, what it was read from, and what is held for its contents. */
export interface LoadedTree extends FileTree, Disposable {
  readonly format: 'directory' | 'tar' | 'cpio' | 'oci' | 'ext4';
  /** The image itself, of which there is more to say than its tree. */
  readonly fd?: number;
}

/**
 * Reads the tree of a directory, an OCI layout, a tar, a cpio or an ext4 image, archives and images compressed or not; `-` is
 * standard input. `reference` names the image of a layout that has several. PK3951 for anything else, PK3953 for what cannot
 * be opened.
 */
export async function loadTree(
  { from, reference }: { readonly from: string; readonly reference?: string | undefined },
  world: LoadWorld,
  signal: AbortSignal,
): Promise<LoadedTree> {
  const held = new DisposableStack();
  const task: Task = { held, world, signal };
  try {
    if (from === '-') return await fromFile(await taken(world.stdin(), task), task);
    if (!isDirectory(from)) return await fromFile(held.use(openImageFile(from)).fd, task);
    if (existsSync(join(from, 'oci-layout')) && existsSync(join(from, 'index.json')))
      return await fromLayout({ from, reference }, task);
    const tree = held.use(await readDirectory(from, signal));
    return loaded('directory', tree, held);
  } catch (error) {
    held.dispose();
    throw error;
  }
}

interface Task {
  readonly held: DisposableStack;
  readonly world: LoadWorld;
  readonly signal: AbortSignal;
}

function loaded(format: LoadedTree['format'], { entries, contents }: FileTree, held: DisposableStack): LoadedTree {
  return { format, entries, contents, [Symbol.dispose]: () => held.dispose() };
}

function isDirectory(path: string): boolean {
  try {
    return statSync(path).isDirectory();
  } catch (cause) {
    throw unreadable(path, cause);
  }
}

/** Keeps a stream in a file without a name. */
async function taken(content: AsyncIterable<Uint8Array>, { held, world, signal }: Task): Promise<number> {
  const { fd } = held.use(openScratch(world.scratch));
  let size = 0;
  for await (const bytes of content) {
    signal.throwIfAborted();
    writeAt(fd, bytes, size);
    size += bytes.length;
  }
  return fd;
}

/** As far as the mark of an ext4 image. */
const headSize = 2048;

async function fromFile(fd: number, task: Task): Promise<LoadedTree> {
  const { world, signal, held } = task;
  const help = { limits: defaultDecompressLimits, unxz: world.unxz };
  const { format, content } = await detectCompression(piecesOf(fd));
  const unpacked = (): AsyncGenerator<Uint8Array> =>
    format === undefined ? piecesOf(fd) : decompress(piecesOf(fd), { ...help, format }, signal);
  await content.return(undefined);
  const kind = kindOf(await headOf(unpacked()));
  if (kind === 'ext4') {
    const image = format === undefined ? fd : await taken(unpacked(), task);
    return { ...loaded(kind, withoutLostFound(readExt4(imageReaderOn(image), { signal })), held), fd: image };
  }
  const entries =
    kind === 'cpio'
      ? withoutSockets(readCpio(piecesOf(fd), { ...help, archive: defaultTarLimits }, signal))
      : readTar(unpacked(), defaultTarLimits, signal);
  const blobs = spoolOn(held.use(openScratch(world.scratch)).fd);
  return loaded(kind, await spooledTree(await treeOfEntries(entries, { blobs }, signal), blobs, signal), held);
}

async function headOf(content: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const reader = byteReader(content);
  try {
    return await reader.take(headSize);
  } finally {
    await reader.close();
  }
}

/** Archives first: what they hold may look like the mark of an image, which has nothing in its first kilobyte. */
function kindOf(head: Buffer): 'tar' | 'cpio' | 'ext4' {
  if (/^07070[12]/.test(head.toString('latin1', 0, 6))) return 'cpio';
  if (head.toString('latin1', 257, 262) === 'ustar') return 'tar';
  if (head.length === headSize && head.readUInt16LE(1080) === 0xef53) return 'ext4';
  if (head.length >= 1024 && head.subarray(0, 1024).every((byte) => byte === 0)) return 'tar';
  throw new PortkitError('PK3951', 'The file is no tar, cpio or ext4 image', {
    hint: 'An OCI layout is named by its directory',
  });
}

async function* withoutSockets(entries: AsyncIterable<CpioEntry>): AsyncGenerator<TarEntry> {
  for await (const entry of entries) {
    if (entry.type === 'socket') throw noSocket(entry.path);
    yield entry;
  }
}

async function fromLayout(
  { from, reference }: { readonly from: string; readonly reference?: string | undefined },
  { held, world, signal }: Task,
): Promise<LoadedTree> {
  const directory = await realpath(from);
  const manifests = await readLayoutIndex(directory);
  const only = manifests[0] !== undefined && manifests.length === 1 ? entryName(manifests[0]) : undefined;
  const blobs = spoolOn(held.use(openScratch(world.scratch)).fd);
  const openRepository = () => Promise.reject(new Error('An image of a layout asks no registry'));
  const op = imageOp(
    { type: 'image', layout: '.', reference: reference ?? only ?? '' },
    { blobs, directory, platform: world.platform, openRepository },
  );
  const outcome = await op.run([], { signal, output: () => undefined, transfer: () => undefined });
  if (!outcome.ok) {
    const { code, message, hint } = outcome.failure;
    throw new PortkitError(code, message, { ...(hint !== undefined && { hint }) });
  }
  const [tree] = outcome.outputs;
  if (tree === undefined) throw new Error('An image gave no tree');
  return loaded('oci', await spooledTree(tree.digest, blobs, signal), held);
}

function spooledTree(tree: Digest, blobs: ReturnType<typeof spoolOn>, signal: AbortSignal): Promise<FileTree> {
  return fileTreeOf(listTree(tree, { blobs, signal }), blobs);
}

/** The directory that every ext4 image has for its repair belongs to the image, unless something is in it. */
function withoutLostFound({ entries, contents }: FileTree): FileTree {
  const isOwn = ({ path, type }: FileEntry): boolean => path === 'lost+found' && type === 'dir';
  const used = entries.some(({ path }) => path.startsWith('lost+found/'));
  return { entries: used ? entries : entries.filter((entry) => !isOwn(entry)), contents };
}
