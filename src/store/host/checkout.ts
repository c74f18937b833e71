import {
  chmodSync,
  closeSync,
  constants,
  fchmodSync,
  linkSync,
  lutimesSync,
  mkdirSync,
  openSync,
  readdirSync,
  symlinkSync,
} from 'node:fs';
import { rm } from 'node:fs/promises';
import { fromBytes, nodePath, showBytes, toBytes } from '../../base/byte-string.ts';
import type { ByteString } from '../../base/byte-string.ts';
import type { Digest } from '../../base/digest.ts';
import { PortkitError, systemCode } from '../../base/errors.ts';
import { writeFully } from '../disk/durable.ts';
import { storeFailure } from '../disk/failure.ts';
import type { Store } from '../store.ts';
import { malformed } from '../trees/check.ts';
import { decodeNode } from '../trees/decode.ts';
import type { Attributes, Entry } from '../trees/node.ts';
import { differences } from '../trees/differences.ts';
import { createCloner } from './clone.ts';
import type { CloneFile } from './clone.ts';

/** What a checkout made, and what a host folder cannot hold (devices and FIFOs are metadata of the tree). */
export interface CheckedOut {
  readonly files: number;
  readonly bytes: number;
  readonly skipped: readonly string[];
}

interface CheckoutOptions {
  readonly blobs: Store['blobs'];
  readonly signal: AbortSignal;
  /** How a file is cloned; the kernel's way unless given. */
  readonly clone?: CloneFile;
}

interface Work {
  readonly blobs: Store['blobs'];
  readonly signal: AbortSignal;
  readonly clone: ReturnType<typeof createCloner>;
  files: number;
  bytes: number;
  readonly skipped: string[];
  /** The group of each path that is to be a hard link, once its directory was reached. */
  readonly groups: Map<ByteString, Group>;
  /** Modes and times of directories, set when nothing is written into them any more; inner ones first. */
  readonly finish: (() => void)[];
}

/** Files that are one inode: the first that was written, and how many are still to come. */
interface Group {
  first?: { readonly path: ByteString; readonly entry: FileEntry };
  left: number;
}

type FileEntry = Extract<Entry, { type: 'file' }>;

const fileFlags = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW;
/** Blobs up to this size are read in one go; larger ones are worth a try at cloning. */
const smallFile = 1 << 20;

/**
 * Writes a tree to a new or empty folder. Every file is a copy or a clone of its own, verified on the way: never an alias
 * of a stored blob. Permission bits and times are applied; owners, set-user-id bits, attributes and devices stay in the tree.
 */
export async function checkout(tree: Digest, destination: string, options: CheckoutOptions): Promise<CheckedOut> {
  const { blobs, signal } = options;
  const made = claim(destination);
  const clone = createCloner(blobs, options.clone);
  const work: Work = { blobs, signal, clone, files: 0, bytes: 0, skipped: [], groups: new Map(), finish: [] };
  try {
    await writeDirectory(work, tree, fromBytes(Buffer.from(destination)));
    for (const one of work.finish) one();
    return { files: work.files, bytes: work.bytes, skipped: work.skipped };
  } catch (error) {
    await clear(destination, made);
    throw options.signal.aborted ? options.signal.reason : storeFailure(error, `write to ${destination}`);
  }
}

/** Removes what a failed checkout has written; what then fails as well is not the failure to tell. */
async function clear(destination: string, made: boolean): Promise<void> {
  const rest = made ? [destination] : readdirSync(destination).map((name) => `${destination}/${name}`);
  for (const path of rest) await rm(path, { recursive: true, force: true }).catch(() => undefined);
}

/** Makes the folder, or takes an empty one; answers whether it was made. */
function claim(destination: string): boolean {
  try {
    mkdirSync(destination, { mode: 0o700 });
    return true;
  } catch (error) {
    if (systemCode(error) !== 'EEXIST') throw error;
  }
  let empty = false;
  try {
    empty = readdirSync(destination).length === 0;
  } catch (error) {
    if (systemCode(error) !== 'ENOTDIR') throw error;
  }
  if (empty) return false;
  throw new PortkitError('PK2104', `${destination} exists and is not an empty folder`, {
    hint: 'Name another place, or empty it',
  });
}

async function writeDirectory(work: Work, digest: Digest, path: ByteString): Promise<void> {
  work.signal.throwIfAborted();
  const bytes = work.blobs.get(digest);
  if (bytes === undefined) throw new PortkitError('PK2002', `The tree ${digest} is not in the store`);
  const node = decodeNode(bytes, digest);
  const groups = node.links.map((members) =>
    expectGroup(
      work,
      members.map((member) => join(path, member)),
    ),
  );
  for (const entry of node.entries) {
    const at = join(path, entry.name);
    if (entry.type === 'dir') {
      mkdirSync(nodePath(at), { mode: 0o700 });
      await writeDirectory(work, entry.node, at);
    } else await writeEntry(work, entry, at);
  }
  if (groups.some(({ left }) => left > 0)) throw malformed(digest, 'a hard link leads to no file');
  work.finish.push(() => finish(path, node));
}

/**
 * Only paths that this checkout wrote as files are ever linked: a path of a group that leads through a symlink of the tree,
 * or to nothing, is met by no entry.
 */
function expectGroup(work: Work, members: readonly ByteString[]): Group {
  const group = { left: members.length };
  for (const member of members) work.groups.set(member, group);
  return group;
}

/** Makes a file one more name of the first of its group; answers whether there was a first. */
function linkToFirst(work: Work, entry: FileEntry, path: ByteString): boolean {
  const group = work.groups.get(path);
  if (group === undefined) return false;
  work.groups.delete(path);
  group.left -= 1;
  const { first } = group;
  if (first === undefined) {
    group.first = { path, entry };
    return false;
  }
  if (differences(first.entry, entry).length > 0) throw malformed(showBytes(path), 'hard links to different files');
  linkSync(nodePath(first.path), nodePath(path));
  return true;
}

async function writeEntry(work: Work, entry: Exclude<Entry, { type: 'dir' }>, path: ByteString): Promise<void> {
  switch (entry.type) {
    case 'file':
      if (!linkToFirst(work, entry, path)) {
        await writeFile(work, entry, path);
        setTime(path, entry);
      }
      work.files += 1;
      work.bytes += entry.size;
      return;
    case 'symlink':
      symlinkSync(toBytes(entry.target), nodePath(path));
      setTime(path, entry);
      return;
    case 'char':
    case 'block':
    case 'fifo':
      work.skipped.push(showBytes(path));
  }
}

async function writeFile(work: Work, entry: FileEntry, path: ByteString): Promise<void> {
  const mode = entry.mode & 0o777;
  if (entry.size > smallFile && (await work.clone({ content: entry.content, mode }, nodePath(path), work.signal))) return;
  const fd = openSync(nodePath(path), fileFlags, 0o600);
  try {
    await copyContent(work, entry, fd);
    fchmodSync(fd, mode);
  } finally {
    closeSync(fd);
  }
}

async function copyContent(work: Work, entry: FileEntry, fd: number): Promise<void> {
  const missing = (): PortkitError => new PortkitError('PK2002', `The blob ${entry.content} is not in the store`);
  if (entry.size <= smallFile) {
    const bytes = work.blobs.get(entry.content);
    if (bytes === undefined) throw missing();
    writeFully(fd, bytes);
  } else {
    const content = await work.blobs.open(entry.content, work.signal);
    if (content === undefined) throw missing();
    for await (const chunk of content) writeFully(fd, chunk);
  }
}

function finish(path: ByteString, attributes: Attributes): void {
  chmodSync(nodePath(path), attributes.mode & 0o777);
  setTime(path, attributes);
}

function setTime(path: ByteString, { mtime }: Attributes): void {
  const seconds = mtime.seconds + mtime.nanos / 1e9;
  lutimesSync(nodePath(path), seconds, seconds);
}

function join(path: ByteString, name: ByteString): ByteString {
  return fromBytes(Buffer.from(`${path}/${name}`, 'latin1'));
}
