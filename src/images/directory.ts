import type { BigIntStats } from 'node:fs';
import { readSync } from 'node:fs';
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { ByteString } from '../base/byte-string.ts';
import type { FileAttributes, FileEntry, FileTree } from '../formats/file-tree.ts';
import { changed, deviceOf, openHostDirectory } from '../store/host/host-directory.ts';
import type { HostDirectory } from '../store/host/host-directory.ts';
import { checkSame, openerBelow, readSeen } from './open-below.ts';
import type { Opener, Seen } from './open-below.ts';
import type { ReadAhead } from './read-ahead.ts';
import { placeSize } from './ring.ts';

/** The tree of a directory while it is held. */
export type HeldTree = FileTree & Disposable;

/** Files up to this size are given at once, others in pieces of it: as much as stays in the cache of a processor. */
const pieceSize = 2 ** 18;
/** A second thread that reads files is started when this many were seen; fewer are read in the time it needs to start. */
const filesForTwo = 2000;
/** After so many pieces of a file the event loop gets a turn, so that a signal can arrive. */
const piecesOfTurn = 16;

/**
 * A directory of this machine as it stands: owners, modes, times, hard links, devices. Contents are read in place when they
 * are asked for; a file that is then another one, or was changed since it was listed, is PK2101. A second thread, if one can
 * be started, reads many small files ahead.
 */
export async function readDirectory(path: string, signal: AbortSignal, second?: () => ReadAhead): Promise<HeldTree> {
  using stack = new DisposableStack();
  const root = stack.use(openHostDirectory(path));
  const start = (): ReadAhead | undefined => stack.use(second?.());
  const walk: Walk = { entries: [], files: new Map(), small: 0, names: new Map(), start, ahead: undefined, signal };
  walk.entries.push({ path: empty, type: 'dir', ...attributesOf(root.own()) });
  await addNames(walk, root, empty);
  walk.ahead?.begin(root.byDescriptor, walk.files);
  const opener = stack.use(openerBelow(root));
  const source: Source = { opener, room: Buffer.allocUnsafeSlow(pieceSize), ahead: walk.ahead };
  const held = stack.move();
  return {
    entries: walk.entries,
    contents: { open: (content, stop) => contentOf(source, { path: content, seen: walk.files.get(content) }, stop) },
    [Symbol.dispose]: () => held.dispose(),
  };
}

// oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the root's path
const empty = '' as ByteString;

interface Walk {
  readonly entries: FileEntry[];
  /** What was seen of every file that is not empty: the others are never opened. */
  readonly files: Map<string, Seen>;
  /** How many files can be read ahead. */
  small: number;
  /** The first path of every inode with several. */
  readonly names: Map<string, ByteString>;
  readonly start: () => ReadAhead | undefined;
  /** Started while names are listed, so that it is there when files are read. */
  ahead: ReadAhead | undefined;
  readonly signal: AbortSignal;
}

async function addNames(walk: Walk, directory: HostDirectory, at: ByteString): Promise<void> {
  await nextTurn();
  walk.signal.throwIfAborted();
  for (const name of directory.names().toSorted()) {
    const stat = directory.stat(name);
    if (stat === undefined) throw changed(`${directory.shown}/${name}`);
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- byte strings put together
    const path = (at === '' ? name : `${at}/${name}`) as ByteString;
    if (stat.isDirectory()) {
      using below = directory.enter(name);
      walk.entries.push({ path, type: 'dir', ...attributesOf(below.own()) });
      await addNames(walk, below, path);
    } else addFile(walk, { directory, name, path }, stat);
  }
}

function addFile(
  walk: Walk,
  { directory, name, path }: { readonly directory: HostDirectory; readonly name: ByteString; readonly path: ByteString },
  stat: BigIntStats,
): void {
  const { entries, files, names } = walk;
  if (stat.nlink > 1n) {
    const inode = `${stat.dev}:${stat.ino}`;
    const target = names.get(inode);
    if (target !== undefined) {
      entries.push({ path, type: 'hardlink', target });
      return;
    }
    names.set(inode, path);
  }
  const attributes = { path, ...attributesOf(stat) };
  if (stat.isFile()) {
    const { dev, ino, ctimeNs } = stat;
    const size = Number(stat.size);
    if (size > 0) files.set(path, { dev, ino, size, ctimeNs });
    if (size > 0 && size <= placeSize && (walk.small += 1) === filesForTwo) walk.ahead = walk.start();
    entries.push({ ...attributes, type: 'file', size, content: path });
  } else if (stat.isSymbolicLink()) entries.push({ ...attributes, type: 'symlink', target: directory.readlink(name) });
  else if (stat.isCharacterDevice() || stat.isBlockDevice())
    entries.push({ ...attributes, type: stat.isBlockDevice() ? 'block' : 'char', ...deviceOf(stat.rdev) });
  else entries.push({ ...attributes, type: stat.isFIFO() ? 'fifo' : 'socket' });
}

const noBytes = new Uint8Array();
const noXattrs: FileAttributes['xattrs'] = [];

function attributesOf(stat: BigIntStats): FileAttributes {
  const billion = 1_000_000_000n;
  const nanos = ((stat.mtimeNs % billion) + billion) % billion;
  return {
    mode: Number(stat.mode) & 0o7777,
    uid: Number(stat.uid),
    gid: Number(stat.gid),
    mtime: { seconds: Number((stat.mtimeNs - nanos) / billion), nanos: Number(nanos) },
    xattrs: noXattrs,
  };
}

/** Where contents are read from, and what they are read into, one after the other. */
interface Source {
  readonly opener: Opener;
  readonly room: Buffer;
  readonly ahead: ReadAhead | undefined;
}

/** A file that was listed. */
interface Listed {
  readonly path: string;
  readonly seen: Seen;
}

function contentOf(
  source: Source,
  { path, seen }: { readonly path: string; readonly seen: Seen | undefined },
  signal: AbortSignal,
): Uint8Array | AsyncIterable<Uint8Array> {
  if (seen === undefined) return noBytes;
  if (seen.size > pieceSize) return stream(source, { path, seen }, signal);
  return source.ahead?.take(path, seen.size) ?? readSeen(source.opener, { path, seen }, source.room);
}

async function* stream({ opener, room }: Source, { path, seen }: Listed, signal: AbortSignal): AsyncGenerator<Uint8Array> {
  using file = opener.open(path);
  checkSame(file.stat(), seen, path);
  let pieces = 0;
  for (let done = 0; done < seen.size;) {
    if (pieces % piecesOfTurn === 0) await nextTurn();
    signal.throwIfAborted();
    pieces += 1;
    const count = readSync(file.fd, room, 0, Math.min(room.length, seen.size - done), done);
    if (count === 0) throw changed(path);
    done += count;
    yield room.subarray(0, count);
  }
  checkSame(file.stat(), seen, path);
}
