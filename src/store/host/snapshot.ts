import type { BigIntStats } from 'node:fs';
import { setImmediate } from 'node:timers/promises';
import { showBytes } from '../../base/byte-string.ts';
import type { ByteString } from '../../base/byte-string.ts';
import type { Digest } from '../../base/digest.ts';
import { PortkitError } from '../../base/errors.ts';
import type { SmallBatch } from '../blobs.ts';
import type { Store } from '../store.ts';
import type { Attributes } from '../trees/node.ts';
import { changed, openHostDirectory } from './host-directory.ts';
import type { HostDirectory } from './host-directory.ts';
import { linkGroups, writeNodes } from './taken.ts';
import type { TakenDirectory } from './taken.ts';

/** How a snapshot is taken. */
export interface SnapshotOptions {
  /** `portable`: 0755 for directories and what its owner may run, else 0644, so that an umask changes nothing. */
  readonly modes?: 'keep' | 'portable';
  /** Keep modification times; unless asked they are 0, so that a fresh checkout is the same tree. */
  readonly times?: 'keep';
  readonly signal: AbortSignal;
}

/** What a snapshot took. */
export interface Snapshot {
  readonly tree: Digest;
  readonly files: number;
  readonly bytes: number;
}

interface Walk {
  readonly blobs: Store['blobs'];
  readonly options: SnapshotOptions;
  /** Paths of files with several names, by device and inode. */
  readonly inodes: Map<string, string[]>;
  batch: SmallBatch;
  pending: number;
  files: number;
  bytes: number;
}

/** Files up to this size go into packs with others. */
const smallFile = 128 << 10;
/** Bytes gathered before a batch is made durable. */
const batchBytes = 64 << 20;

/** Takes a host directory into a tree; durable when it resolves. Owners are 0:0: the host's are never taken. */
export async function snapshot(directory: string, blobs: Store['blobs'], options: SnapshotOptions): Promise<Snapshot> {
  const walk: Walk = { blobs, options, inodes: new Map(), batch: blobs.batch(), pending: 0, files: 0, bytes: 0 };
  using root = openHostDirectory(directory);
  const taken = await takeDirectory(walk, root, '');
  const groups = linkGroups(walk.inodes.values());
  const tree = writeNodes(taken, '', { groups, add: (bytes) => addSmall(walk, bytes) });
  await walk.batch.commit(options.signal);
  return { tree, files: walk.files, bytes: walk.bytes };
}

async function takeDirectory(walk: Walk, directory: HostDirectory, path: string): Promise<TakenDirectory> {
  walk.options.signal.throwIfAborted();
  const before = directory.own();
  const entries: TakenDirectory['entries'][number][] = [];
  for (const name of directory.names().toSorted()) {
    const stat = directory.stat(name);
    if (stat === undefined) throw changed(`${directory.shown}/${showBytes(name)}`);
    entries.push(await takeEntry(walk, directory, { name, stat, path: `${path}${name}` }));
  }
  if (directory.own().mtimeNs !== before.mtimeNs) throw changed(directory.shown);
  return { attributes: attributesOf(before, walk.options), entries };
}

interface Found {
  readonly name: ByteString;
  readonly stat: BigIntStats;
  readonly path: string;
}

async function takeEntry(walk: Walk, directory: HostDirectory, found: Found): Promise<TakenDirectory['entries'][number]> {
  const { name, stat, path } = found;
  if (stat.isDirectory()) {
    using inner = directory.enter(name);
    return { type: 'taken', name, directory: await takeDirectory(walk, inner, `${path}/`) };
  }
  const attributes = attributesOf(stat, walk.options);
  if (stat.isFile()) {
    if (stat.nlink > 1n) noteLink(walk, stat, path);
    return { type: 'file', name, ...attributes, ...(await takeFile(walk, directory, name)) };
  }
  if (stat.isSymbolicLink()) return { type: 'symlink', name, ...attributes, target: directory.readlink(name) };
  if (stat.isFIFO()) return { type: 'fifo', name, ...attributes };
  if (stat.isCharacterDevice() || stat.isBlockDevice()) {
    return { type: stat.isBlockDevice() ? 'block' : 'char', name, ...attributes, ...deviceOf(stat.rdev) };
  }
  throw new PortkitError('PK2102', `${directory.shown}/${showBytes(name)} is a socket, which a tree cannot hold`, {
    hint: 'Exclude it',
  });
}

/** Reads from one descriptor, and looks again afterwards: what moved meanwhile is read again, three times at most. */
async function takeFile(walk: Walk, directory: HostDirectory, name: ByteString): Promise<{ content: Digest; size: number }> {
  for (let attempt = 0; attempt < 3; attempt += 1) {
    using file = directory.openFile(name);
    const before = file.stat();
    const size = Number(before.size);
    const taken =
      size <= smallFile
        ? takeSmall(walk, file.read(size + 1))
        : await walk.blobs.writeFile(`/proc/self/fd/${file.fd}`, walk.options.signal);
    const after = file.stat();
    const same = after.size === before.size && after.mtimeNs === before.mtimeNs && after.ctimeNs === before.ctimeNs;
    if (!same || taken.size !== size) continue;
    walk.files += 1;
    walk.bytes += size;
    if (walk.pending > batchBytes) await nextBatch(walk);
    else if (walk.files % 1000 === 0) await setImmediate();
    return { content: taken.digest, size };
  }
  throw changed(`${directory.shown}/${showBytes(name)}`);
}

function takeSmall(walk: Walk, bytes: Buffer): { digest: Digest; size: number } {
  return { digest: addSmall(walk, bytes), size: bytes.length };
}

function addSmall(walk: Walk, bytes: Uint8Array): Digest {
  walk.pending += bytes.length;
  return walk.batch.add(bytes);
}

async function nextBatch(walk: Walk): Promise<void> {
  await walk.batch.commit(walk.options.signal);
  walk.batch = walk.blobs.batch();
  walk.pending = 0;
}

function noteLink(walk: Walk, stat: BigIntStats, path: string): void {
  const inode = `${stat.dev}:${stat.ino}`;
  const paths = walk.inodes.get(inode);
  if (paths === undefined) walk.inodes.set(inode, [path]);
  else paths.push(path);
}

function attributesOf(stat: BigIntStats, options: SnapshotOptions): Attributes {
  const kept = Number(stat.mode & 0o7777n);
  const mode = options.modes === 'portable' ? (stat.isDirectory() || (kept & 0o100) !== 0 ? 0o755 : 0o644) : kept;
  const mtime = options.times === 'keep' ? timeOf(stat.mtimeNs) : { seconds: 0, nanos: 0 };
  return { mode, uid: 0, gid: 0, mtime, xattrs: [] };
}

function timeOf(ns: bigint): { seconds: number; nanos: number } {
  const nanos = ((ns % 1_000_000_000n) + 1_000_000_000n) % 1_000_000_000n;
  return { seconds: Number((ns - nanos) / 1_000_000_000n), nanos: Number(nanos) };
}

/** Linux's encoding of a device number: 12 bits of major, 20 of minor, interleaved (sys/sysmacros.h). */
function deviceOf(rdev: bigint): { major: number; minor: number } {
  const major = ((rdev >> 8n) & 0xfffn) | ((rdev >> 32n) & 0xfffff000n);
  const minor = (rdev & 0xffn) | ((rdev >> 12n) & 0xffffff00n);
  return { major: Number(major), minor: Number(minor) };
}
