import { existsSync, statSync } from 'node:fs';
import { realpath } from 'node:fs/promises';
import { join } from 'node:path';
import { fileTreeOf } from '../artifacts/file-tree.ts';
import type { Digest } from '../base/digest.ts';
import { PortkitError } from '../base/errors.ts';
import { decompress, defaultDecompressLimits, detectCompression } from '../formats/compression/decompress.ts';
import type { Unxz } from '../formats/compression/decompress.ts';
import type { CpioEntry } from '../formats/cpio/entry.ts';
import { readCpio } from '../formats/cpio/read.ts';
import { readExt4 } from '../formats/ext4/read/tree.ts';
import type { FileEntry, FileTree, ImageReader } from '../formats/file-tree.ts';
import { defaultTarLimits } from '../formats/tar/entry.ts';
import type { TarEntry } from '../formats/tar/entry.ts';
import { readTar } from '../formats/tar/read.ts';
import { entryName } from '../oci/layout/entries.ts';
import { treeOfEntries } from '../ops/extract.ts';
import { imageOp } from '../ops/image.ts';
import { readLayoutIndex } from '../ops/image/layout.ts';
import { openScratch, piecesOf } from '../ops/scratch-file.ts';
import { listTree } from '../store/trees/list.ts';
import { noSocket } from '../formats/tar/tree-entries.ts';
import { readDirectory } from './directory.ts';
import { startReadAhead } from './read-ahead.ts';
import { partitionOf } from './partition.ts';
import { imageReaderOn, openImageFile, unreadable } from './reader.ts';
import { headOfStream, signNames, signOf } from './sign.ts';
import { spoolOn } from './spool.ts';
import type { readXattrs } from './xattrs.ts';

/** What is to be read. */
export interface Source {
  readonly from: string;
  /** The image that is meant, of a layout with several. */
  readonly reference?: string | undefined;
  /** The number of a partition, when it is on a disk that has them. */
  readonly partition?: number | undefined;
}

/** What loading is lent. */
export interface LoadWorld {
  /** Where sources that can be read only once are kept meanwhile. */
  readonly scratch: string;
  readonly unxz: Unxz;
  /** `os/architecture`, for layouts with images for several. */
  readonly platform: string;
  readonly stdin: () => AsyncIterable<Uint8Array>;
  /** Reads the extended attributes of a directory; only where they are asked for. */
  readonly xattrs?: (directory: string, signal: AbortSignal) => ReturnType<typeof readXattrs>;
}

/** A tree, what it was read from, and what is held for its contents. */
export interface LoadedTree extends FileTree, Disposable {
  readonly format: 'directory' | 'tar' | 'cpio' | 'oci' | 'ext4';
  /** The image itself, of which there is more to say than its tree. */
  readonly image?: ImageReader;
}

/**
 * Reads the tree of a directory, an OCI layout, a tar, a cpio or an ext4 image, archives and images compressed or not; `-` is
 * standard input. PK3951 for anything else, PK3953 for what cannot
 * be opened.
 */
export async function loadTree(
  { from, reference, partition }: Source,
  world: LoadWorld,
  signal: AbortSignal,
): Promise<LoadedTree> {
  const held = new DisposableStack();
  const task: Task = { held, world, signal };
  try {
    if (from === '-') return await fromFile(await taken(world.stdin(), task), partition, task);
    if (!isDirectory(from)) return await fromFile(held.use(openImageFile(from)).fd, partition, task);
    if (partition !== undefined) throw new PortkitError('PK3959', `The directory ${JSON.stringify(from)} has no partitions`);
    if (existsSync(join(from, 'oci-layout')) && existsSync(join(from, 'index.json')))
      return await fromLayout({ from, reference }, task);
    const tree = held.use(await readDirectory(from, signal, startReadAhead));
    return loaded('directory', world.xattrs === undefined ? tree : withXattrs(tree, await world.xattrs(from, signal)), held);
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
  const { fd, write } = held.use(openScratch(world.scratch));
  let size = 0;
  for await (const bytes of content) {
    signal.throwIfAborted();
    write(bytes, size);
    size += bytes.length;
  }
  return fd;
}

async function fromFile(fd: number, partition: number | undefined, task: Task): Promise<LoadedTree> {
  const range = partition === undefined ? undefined : partitionOf(fd, partition);
  const pieces = (): AsyncGenerator<Uint8Array> => piecesOf(fd, range);
  const { world, signal, held } = task;
  const help = { limits: defaultDecompressLimits, unxz: world.unxz };
  const { format, content } = await detectCompression(pieces());
  const unpacked = (): AsyncGenerator<Uint8Array> =>
    format === undefined ? pieces() : decompress(pieces(), { ...help, format }, signal);
  await content.return(undefined);
  const kind = kindOf(await headOfStream(unpacked()));
  if (kind === 'ext4') {
    const image = format === undefined ? imageReaderOn(fd, range) : imageReaderOn(await taken(unpacked(), task));
    return { ...loaded(kind, withoutLostFound(readExt4(image, { signal })), held), image };
  }
  const entries =
    kind === 'cpio'
      ? withoutSockets(readCpio(pieces(), { ...help, archive: defaultTarLimits }, signal))
      : readTar(unpacked(), defaultTarLimits, signal);
  const blobs = spoolOn(held.use(openScratch(world.scratch)));
  return loaded(kind, await spooledTree(await treeOfEntries(entries, { blobs }, signal), blobs, signal), held);
}

function kindOf(head: Buffer): 'tar' | 'cpio' | 'ext4' {
  const sign = signOf(head);
  if (sign === 'cpio' || sign === 'tar' || sign === 'ext4') return sign;
  // What begins with two blocks of zeros may be an empty tar.
  if ((sign === 'empty' || sign === 'unknown') && head.length >= 1024 && head.subarray(0, 1024).every((byte) => byte === 0))
    return 'tar';
  const what = sign === 'empty' || sign === 'unknown' ? '' : `, but ${signNames[sign]}`;
  throw new PortkitError('PK3951', `The file is no tar, cpio or ext4 image${what}`, {
    hint: sign === 'gpt' ? 'Name one of its partitions with --partition' : 'An OCI layout is named by its directory',
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
  // What has no name beside the one that has one is its signatures and statements.
  const names = manifests.map(entryName).filter((name) => name !== undefined);
  const only = names.length === 1 ? names[0] : undefined;
  const blobs = spoolOn(held.use(openScratch(world.scratch)));
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

/** What is not named has none; a file that changed since it was listed is found out when it is read. */
function withXattrs({ entries, contents }: FileTree, found: Awaited<ReturnType<typeof readXattrs>>): FileTree {
  const add = (entry: FileEntry): FileEntry => {
    const xattrs = found.get(entry.path);
    return entry.type === 'hardlink' || xattrs === undefined ? entry : { ...entry, xattrs };
  };
  return { entries: entries.map(add), contents };
}

/** The directory that every ext4 image has for its repair belongs to the image, unless something is in it. */
function withoutLostFound({ entries, contents }: FileTree): FileTree {
  const isOwn = ({ path, type }: FileEntry): boolean => path === 'lost+found' && type === 'dir';
  const used = entries.some(({ path }) => path.startsWith('lost+found/'));
  return { entries: used ? entries : entries.filter((entry) => !isOwn(entry)), contents };
}
