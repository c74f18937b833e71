import type { BigIntStats } from 'node:fs';
import { readSync } from 'node:fs';
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { ByteString } from '../base/byte-string.ts';
import type { FileAttributes, FileEntry, FileTree } from '../formats/file-tree.ts';
import { changed, deviceOf, openHostDirectory } from '../store/host/host-directory.ts';
import type { HostDirectory } from '../store/host/host-directory.ts';

/** The tree of a directory while it is held. */
export type HeldTree = FileTree & Disposable;

/** Files up to this size are given at once, others in pieces of it: as much as stays in the cache of a processor. */
const pieceSize = 2 ** 18;
/** After so many pieces of a file the event loop gets a turn, so that a signal can arrive. */
const piecesOfTurn = 16;

/**
 * A directory of this machine as it stands: owners, modes, times, hard links, devices. Contents are read in place when they
 * are asked for; a file that is then another one, or was changed since it was listed, is PK2101.
 */
export async function readDirectory(path: string, signal: AbortSignal): Promise<HeldTree> {
  const root = openHostDirectory(path);
  try {
    const walk: Walk = { entries: [], files: new Map(), names: new Map(), signal };
    walk.entries.push({ path: empty, type: 'dir', ...attributesOf(root.own()) });
    await addNames(walk, root, empty);
    const opener = openerBelow(root);
    const source: Source = { opener, room: Buffer.allocUnsafeSlow(pieceSize) };
    return {
      entries: walk.entries,
      contents: { open: (content, stop) => contentOf(source, { path: content, seen: walk.files.get(content) }, stop) },
      [Symbol.dispose]() {
        opener[Symbol.dispose]();
        root[Symbol.dispose]();
      },
    };
  } catch (error) {
    root[Symbol.dispose]();
    throw error;
  }
}

// oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the root's path
const empty = '' as ByteString;

/** What tells a file from any other, and from what it was before. */
interface Seen {
  readonly dev: bigint;
  readonly ino: bigint;
  readonly size: number;
  readonly ctimeNs: bigint;
}

interface Walk {
  readonly entries: FileEntry[];
  /** What was seen of every file. */
  readonly files: Map<string, Seen>;
  /** The first path of every inode with several. */
  readonly names: Map<string, ByteString>;
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
  { entries, files, names }: Walk,
  { directory, name, path }: { readonly directory: HostDirectory; readonly name: ByteString; readonly path: ByteString },
  stat: BigIntStats,
): void {
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
    files.set(path, { dev, ino, size, ctimeNs });
    entries.push({ ...attributes, type: 'file', size, content: path });
  } else if (stat.isSymbolicLink()) entries.push({ ...attributes, type: 'symlink', target: directory.readlink(name) });
  else if (stat.isCharacterDevice() || stat.isBlockDevice())
    entries.push({ ...attributes, type: stat.isBlockDevice() ? 'block' : 'char', ...deviceOf(stat.rdev) });
  else entries.push({ ...attributes, type: stat.isFIFO() ? 'fifo' : 'socket' });
}

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

type Opener = Disposable & { open(path: string): ReturnType<HostDirectory['openFile']> };

/** Opens files by path without following a link; the directory of the last one stays open for its neighbours. */
function openerBelow(root: HostDirectory): Opener {
  let held: { readonly path: string; readonly directory: HostDirectory } = { path: '', directory: root };
  function leave(): void {
    if (held.directory !== root) held.directory[Symbol.dispose]();
    held = { path: '', directory: root };
  }
  function enter(path: string): HostDirectory {
    if (held.path === path) return held.directory;
    leave();
    let directory = root;
    for (const name of path.split('/')) {
      const above = directory;
      try {
        // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- a part of a byte string
        directory = above.enter(name as ByteString);
      } finally {
        if (above !== root) above[Symbol.dispose]();
      }
    }
    held = { path, directory };
    return directory;
  }
  return {
    open(path) {
      const slash = path.lastIndexOf('/');
      const directory = slash < 0 ? root : enter(path.slice(0, slash));
      // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- a part of a byte string
      return directory.openFile(path.slice(slash + 1) as ByteString);
    },
    [Symbol.dispose]: leave,
  };
}

/** Where contents are read from, and what they are read into, one after the other. */
interface Source {
  readonly opener: Opener;
  readonly room: Buffer;
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
  if (seen === undefined) throw new Error(`No file of the directory is ${path}`);
  if (seen.size > pieceSize) return stream(source, { path, seen }, signal);
  using file = source.opener.open(path);
  try {
    return file.read(seen.size, source.room);
  } finally {
    // Once is enough: what was another file before is another one now, and what was read of it goes nowhere.
    checkSame(file.stat(), seen, path);
  }
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

/** Any write or change of attributes moves the change time, which no program can set. */
function checkSame(now: BigIntStats, seen: Seen, path: string): void {
  const same = now.dev === seen.dev && now.ino === seen.ino && Number(now.size) === seen.size && now.ctimeNs === seen.ctimeNs;
  if (!same) throw changed(path);
}
