import type { ByteString } from '../../base/byte-string.ts';
import { PortkitError } from '../../base/errors.ts';
import { show } from '../archive-errors.ts';
import { isBefore } from '../archive-names.ts';
import type { FileEntry, FileTree } from '../file-tree.ts';
import { encodeHeader, fillTo4, headerSize, largest, longestName, trailerName, typeBits } from './header.ts';
import type { CpioHeader } from './header.ts';
import { collector } from '../collector.ts';
import type { ChunkOptions, Collector } from '../collector.ts';

/** How to write a cpio. */
export interface CpioOptions extends ChunkOptions {
  /** The time of every entry, in seconds; without it each keeps its own. */
  readonly mtime?: number;
  /** The archive's size is a multiple of this; 512 unless given. */
  readonly blockSize?: 4 | 512;
}

/** A file as the archive sees it: one inode and how many of its names are still to come. */
interface Inode {
  readonly entry: Exclude<FileEntry, { type: 'hardlink' }>;
  readonly number: number;
  readonly names: number;
  pending: number;
}

/**
 * The one cpio ("newc") of a tree: inodes numbered in the order of their first names, no device numbers, a hard-linked
 * file's content with its last name, times within 1970–2106 and in whole seconds. Extended attributes are left out: see
 * `withoutXattrs`. Of contents that come at once, 64 KiB or less are copied before the next is opened. What the format cannot hold is PK3601, a file that does not give the bytes it announced PK2101.
 */
export async function* writeCpio(tree: FileTree, options: CpioOptions, signal: AbortSignal): AsyncGenerator<Uint8Array> {
  const inodes = inodesOf(tree.entries);
  const out = collector(options);
  for (const { path, inode } of namesOf(tree.entries, inodes)) {
    signal.throwIfAborted();
    inode.pending -= 1;
    const size = sizeOf(inode);
    const name = path === '' ? '.' : path;
    checkEntry(name, inode.entry, size);
    out.text(encodeHeader(headerOf(inode, { size, nameSize: name.length + 1, mtime: options.mtime })) + filled(name));
    const { entry } = inode;
    if (entry.type === 'symlink') out.text(entry.target);
    if (entry.type === 'file' && size > 0) {
      const content = tree.contents.open(entry.content, signal);
      if (!(content instanceof Uint8Array)) yield* streamed(content, { entry, out }, signal);
      else if (content.length === size) for (const chunk of out.add(content)) yield chunk;
      else throw changed(entry);
    }
    out.zeros(fillTo4(size));
    if (out.full()) yield out.take();
  }
  out.text(encodeHeader({ ...noHeader, nlink: 1, nameSize: trailerName.length + 1 }) + filled(trailerName));
  out.zeros(-out.offset() & ((options.blockSize ?? 512) - 1));
  yield out.take();
}

/** A name as it stands behind a header. */
function filled(name: string): string {
  return name + '\0'.repeat(1 + fillTo4(headerSize + name.length + 1));
}

/** The paths whose extended attributes a cpio leaves out. */
export function withoutXattrs(entries: readonly FileEntry[]): readonly ByteString[] {
  return entries.flatMap((entry) => (entry.type !== 'hardlink' && entry.xattrs.length > 0 ? [entry.path] : []));
}

function inodesOf(entries: readonly FileEntry[]): ReadonlyMap<string, Inode> {
  const names = new Map<string, number>();
  for (const entry of entries) if (entry.type === 'hardlink') names.set(entry.target, (names.get(entry.target) ?? 1) + 1);
  const inodes = new Map<string, Inode>();
  for (const entry of entries) {
    if (entry.type === 'hardlink') continue;
    const count = names.get(entry.path) ?? 1;
    inodes.set(entry.path, { entry, number: inodes.size + 1, names: count, pending: count });
  }
  return inodes;
}

/** Every path and its inode, in the order of a tree; a list that is not one is a mistake of the caller. */
function* namesOf(
  entries: readonly FileEntry[],
  inodes: ReadonlyMap<string, Inode>,
): Generator<{ readonly path: ByteString; readonly inode: Inode }> {
  let last: ByteString | undefined;
  for (const entry of entries) {
    const slash = entry.path.lastIndexOf('/');
    const parent = inodes.get(entry.path.slice(0, Math.max(slash, 0)))?.entry.type;
    const inode = inodes.get(entry.type === 'hardlink' ? entry.target : entry.path);
    const wrongLink = entry.type === 'hardlink' && (inode?.entry.type !== 'file' || inode.pending === inode.names);
    if (inode === undefined || wrongLink || parent !== 'dir' || (last !== undefined && !isBefore(last, entry.path)))
      throw new Error(`The entry ${show(entry.path)} comes out of order into a cpio`);
    last = entry.path;
    yield { path: entry.path, inode };
  }
}

function sizeOf({ entry, pending }: Inode): number {
  if (entry.type === 'symlink') return entry.target.length;
  return entry.type === 'file' && pending === 0 ? entry.size : 0;
}

function checkEntry(name: string, entry: Inode['entry'], size: number): void {
  const what =
    size > largest
      ? 'has 4 GiB or more'
      : name.length > longestName
        ? `has a name of more than ${longestName} bytes`
        : name === trailerName
          ? 'has the name that ends an archive'
          : entry.type === 'symlink' && size > longestName
            ? `has a target of more than ${longestName} bytes`
            : undefined;
  if (what === undefined) return;
  throw new PortkitError('PK3601', `${show(entry.path)} does not fit into a cpio: it ${what}`, {
    hint: 'Leave it out of the tree, or put it on a disk image',
  });
}

const noHeader: CpioHeader = {
  ino: 0,
  mode: 0,
  uid: 0,
  gid: 0,
  nlink: 0,
  mtime: 0,
  size: 0,
  devMajor: 0,
  devMinor: 0,
  major: 0,
  minor: 0,
  nameSize: 0,
  check: 0,
};

function headerOf(
  { entry, number, names }: Inode,
  { size, nameSize, mtime }: { readonly size: number; readonly nameSize: number; readonly mtime: number | undefined },
): CpioHeader {
  const { major, minor } = entry.type === 'char' || entry.type === 'block' ? entry : noHeader;
  return {
    ...noHeader,
    ino: number,
    mode: typeBits[entry.type] | entry.mode,
    uid: entry.uid,
    gid: entry.gid,
    nlink: entry.type === 'dir' ? 2 : names,
    mtime: Math.min(Math.max(mtime ?? entry.mtime.seconds, 0), largest),
    size,
    major,
    minor,
    nameSize,
  };
}

type File = Extract<FileEntry, { type: 'file' }>;

async function* streamed(
  content: AsyncIterable<Uint8Array>,
  { entry, out }: { readonly entry: File; readonly out: Collector },
  signal: AbortSignal,
): AsyncGenerator<Uint8Array> {
  let size = 0;
  for await (const bytes of content) {
    signal.throwIfAborted();
    size += bytes.length;
    if (size > entry.size) break;
    for (const chunk of out.add(bytes)) yield chunk;
  }
  if (size !== entry.size) throw changed(entry);
}

function changed({ path, size }: File): PortkitError {
  return new PortkitError('PK2101', `The file ${show(path)} has not the ${size} bytes that it announced`);
}
