import type { BigIntStats } from 'node:fs';
import { setImmediate } from 'node:timers/promises';
import { fromBytes, showBytes } from '../../base/byte-string.ts';
import type { ByteString } from '../../base/byte-string.ts';
import { canonicalJson } from '../../base/canonical.ts';
import type { Digest } from '../../base/digest.ts';
import { PortkitError } from '../../base/errors.ts';
import type { SmallBatch } from '../blobs.ts';
import type { Store } from '../store.ts';
import type { Attributes } from '../trees/node.ts';
import { changed, openHostDirectory, deviceOf } from './host-directory.ts';
import type { HostDirectory } from './host-directory.ts';
import { seenOf, seenWidth } from './stat-cache.ts';
import type { Remembered, SeenPath, StatCache } from './stat-cache.ts';
import { linkGroups, writeNodes } from './taken.ts';
import type { TakenDirectory } from './taken.ts';
import { isUnchanged } from './unchanged.ts';

/** Which paths (relative, no leading slash) a snapshot takes. */
export interface SnapshotFilter {
  /** Two filters of one id take the same paths. */
  readonly id: string;
  keeps(path: ByteString, isDirectory: boolean): boolean;
  /** Whether something below a directory that is not kept may be kept. */
  enters(path: ByteString): boolean;
}

/** How a snapshot is taken. */
export interface SnapshotOptions {
  /** `portable`: 0755 for directories and what its owner may run, else 0644, so that an umask changes nothing. */
  readonly modes?: 'keep' | 'portable';
  /** Keep modification times; unless asked they are 0, so that a fresh checkout is the same tree. */
  readonly times?: 'keep';
  readonly filter?: SnapshotFilter;
  /** Where stats are remembered; without it every file is read. */
  readonly cache?: StatCache;
  readonly signal: AbortSignal;
}

/** What a snapshot took. */
export interface Snapshot {
  readonly tree: Digest;
  readonly files: number;
  readonly bytes: number;
}

/** A file with several names: those that were met, and what the first was read as. */
interface Linked {
  readonly paths: string[];
  readonly ctimeNs: bigint;
  content?: Digest;
}

interface Walk {
  readonly blobs: Store['blobs'];
  readonly options: SnapshotOptions;
  /** The digest of a file that is what it was, and whose content is still in the store. */
  known(path: string, stat: BigIntStats): Digest | undefined;
  readonly seen: SeenPath[];
  /** Files with several names, by device and inode. */
  readonly inodes: Map<string, Linked>;
  batch: SmallBatch;
  pending: number;
  files: number;
  bytes: number;
}

/** Files up to this size go into packs with others. */
const smallFile = 128 << 10;
/** Bytes gathered before a batch is made durable. */
const batchBytes = 64 << 20;

/**
 * Takes a host directory into a tree; durable when it resolves. Owners are 0:0: the host's are never taken. What was not
 * read because its stats are as remembered is in the store now; a caller who needs it to stay holds it by a lease, and
 * looks whether the store's generation moved in between.
 */
export async function snapshot(
  directory: string,
  store: Pick<Store, 'blobs' | 'generation'>,
  options: SnapshotOptions,
): Promise<Snapshot> {
  const { cache } = options;
  const key = canonicalJson([directory, options.modes ?? null, options.times ?? null, options.filter?.id ?? null]);
  const before = cache?.load(key);
  const generation = store.generation();
  if (before?.generation === generation && isUnchanged(directory, before)) {
    return { tree: before.tree, files: before.files, bytes: before.bytes };
  }
  const stamp = cache?.stamp() ?? 0;
  const known = before === undefined ? () => undefined : knownFiles(before, store, generation);
  const { blobs } = store;
  const walk: Walk = { blobs, options, known, seen: [], inodes: new Map(), batch: blobs.batch(), pending: 0, files: 0, bytes: 0 };
  using root = openHostDirectory(directory);
  const taken = await takeDirectory(walk, root, '');
  const groups = linkGroups([...walk.inodes.values()].map(({ paths }) => paths));
  const tree = writeNodes(taken, '', { groups, add: (bytes) => addSmall(walk, bytes) });
  await walk.batch.commit(options.signal);
  const result = { tree, files: walk.files, bytes: walk.bytes };
  cache?.save(key, { ...result, generation }, withoutRacy(walk.seen, stamp));
  return result;
}

/** What changed at the stamp or later is remembered with a time that nothing has, so that it is read again. */
function withoutRacy(paths: readonly SeenPath[], stamp: number): readonly SeenPath[] {
  return paths.map((one) => {
    const [dev, ino, mode, size, mtime, ctime] = one.seen;
    return Math.max(mtime, ctime) < stamp ? one : { ...one, seen: [dev, ino, mode, size, mtime, Number.NaN] as const };
  });
}

function knownFiles(before: Remembered, store: Pick<Store, 'blobs'>, generation: number): Walk['known'] {
  const positions = new Map(before.paths.map((path, index) => [path, index]));
  const trusted = before.generation === generation;
  return (path, stat) => {
    const index = positions.get(path);
    if (index === undefined || !sameAs(before, index, stat)) return undefined;
    const content = before.content(index);
    if (content === undefined || trusted) return content;
    return store.blobs.present([content])[0] === true ? content : undefined;
  };
}

function sameAs({ seen }: Remembered, index: number, stat: BigIntStats): boolean {
  return seenOf(stat).every((value, column) => seen[index * seenWidth + column] === value);
}

async function takeDirectory(walk: Walk, directory: HostDirectory, path: string): Promise<TakenDirectory> {
  walk.options.signal.throwIfAborted();
  const before = directory.own();
  const entries: TakenDirectory['entries'][number][] = [];
  note(walk, { path: path.slice(0, -1), stat: before });
  for (const name of directory.names().toSorted()) {
    const stat = directory.stat(name);
    if (stat === undefined) throw changed(`${directory.shown}/${showBytes(name)}`);
    const found = { name, stat, path: joinBytes(path, name) };
    const keeps = walk.options.filter?.keeps(found.path, stat.isDirectory()) ?? true;
    if (!keeps && !(stat.isDirectory() && walk.options.filter?.enters(found.path) === true)) continue;
    const entry = await takeEntry(walk, directory, found);
    // A directory that is only passed through is there for what it holds.
    if (keeps || (entry.type === 'taken' && entry.directory.entries.length > 0)) entries.push(entry);
  }
  if (directory.own().mtimeNs !== before.mtimeNs) throw changed(directory.shown);
  return { attributes: attributesOf(before, walk.options), entries };
}

interface Found {
  readonly name: ByteString;
  readonly stat: BigIntStats;
  readonly path: ByteString;
}

async function takeEntry(walk: Walk, directory: HostDirectory, found: Found): Promise<TakenDirectory['entries'][number]> {
  const { name, stat, path } = found;
  if (stat.isDirectory()) {
    using inner = directory.enter(name);
    return { type: 'taken', name, directory: await takeDirectory(walk, inner, `${path}/`) };
  }
  const attributes = attributesOf(stat, walk.options);
  if (stat.isFile()) {
    const first = stat.nlink > 1n ? noteLink(walk, stat, path) : undefined;
    // A second name of an inode has the content of the first, whatever somebody writes meanwhile.
    if (first !== undefined && first.ctimeNs !== stat.ctimeNs) throw changed(`${directory.shown}/${showBytes(name)}`);
    const known = first?.content ?? walk.known(path, stat);
    if (known !== undefined) {
      count(walk, { path, stat, content: known });
      rememberFirst(walk, stat, known);
      return { type: 'file', name, ...attributes, content: known, size: Number(stat.size) };
    }
    const taken = await takeFile(walk, directory, found);
    rememberFirst(walk, stat, taken.content);
    return { type: 'file', name, ...attributes, ...taken };
  }
  note(walk, { path, stat });
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
async function takeFile(walk: Walk, directory: HostDirectory, { name, path }: Found): Promise<{ content: Digest; size: number }> {
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
    count(walk, { path, stat: after, content: taken.digest });
    if (walk.pending > batchBytes) await nextBatch(walk);
    else if (walk.files % 1000 === 0) await setImmediate();
    return { content: taken.digest, size };
  }
  throw changed(`${directory.shown}/${showBytes(name)}`);
}

function takeSmall(walk: Walk, bytes: Buffer): { digest: Digest; size: number } {
  return { digest: addSmall(walk, bytes), size: bytes.length };
}

function joinBytes(directory: string, name: ByteString): ByteString {
  return fromBytes(Buffer.from(`${directory}${name}`, 'latin1'));
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

/** One inode that was looked at; a file comes with its content. */
interface Looked {
  readonly path: string;
  readonly stat: BigIntStats;
  readonly content?: Digest;
}

function count(walk: Walk, file: Looked): void {
  walk.files += 1;
  walk.bytes += Number(file.stat.size);
  note(walk, file);
}

/** Remembers how a path looked, for the next time. */
function note(walk: Walk, { stat, ...looked }: Looked): void {
  if (walk.options.cache !== undefined) walk.seen.push({ ...looked, seen: seenOf(stat) });
}

/** Notes one more name of an inode; answers the file when an earlier name was read. */
function noteLink(walk: Walk, stat: BigIntStats, path: string): Linked | undefined {
  const inode = `${stat.dev}:${stat.ino}`;
  const known = walk.inodes.get(inode);
  if (known === undefined) walk.inodes.set(inode, { paths: [path], ctimeNs: stat.ctimeNs });
  else known.paths.push(path);
  return known;
}

function rememberFirst(walk: Walk, stat: BigIntStats, content: Digest): void {
  const linked = walk.inodes.get(`${stat.dev}:${stat.ino}`);
  if (linked !== undefined) linked.content ??= content;
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
