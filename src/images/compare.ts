import { byteReader } from '../formats/byte-reader.ts';
import type { ByteString } from '../base/byte-string.ts';
import { treeOrder } from '../formats/archive-names.ts';
import type { FileEntry, FileTree } from '../formats/file-tree.ts';

/** How one path of two trees differs: only in the first, only in the second, or by these of its properties. */
export interface Difference {
  readonly path: ByteString;
  readonly change: 'removed' | 'added' | 'changed';
  readonly properties: readonly string[];
}

/** All that differs between two trees, in the order of trees. Contents are read only where all else of a file is alike. */
export async function* compareTrees(before: FileTree, after: FileTree, signal: AbortSignal): AsyncGenerator<Difference> {
  const [old, now] = [byPath(before), byPath(after)];
  const paths = [...new Set([...old.keys(), ...now.keys()])].toSorted((a, b) => (treeOrder(a) < treeOrder(b) ? -1 : 1));
  for (const path of paths) {
    signal.throwIfAborted();
    const [a, b] = [old.get(path), now.get(path)];
    if (a === undefined || b === undefined) {
      yield { path, change: a === undefined ? 'added' : 'removed', properties: [] };
      continue;
    }
    const properties = propertiesThatDiffer(a, b);
    if (a.type === 'file' && b.type === 'file' && a.size === b.size) {
      const contents = [before.contents.open(a.content, signal), after.contents.open(b.content, signal)] as const;
      if (!(await sameBytes(...contents))) properties.push('content');
    }
    if (properties.length > 0) yield { path, change: 'changed', properties };
  }
}

function byPath({ entries }: FileTree): ReadonlyMap<ByteString, FileEntry> {
  return new Map(entries.map((entry) => [entry.path, entry]));
}

function propertiesThatDiffer(a: FileEntry, b: FileEntry): string[] {
  const [was, is] = [described(a), described(b)];
  return [...new Set([...Object.keys(was), ...Object.keys(is)])]
    .filter((name) => was[name] !== is[name])
    .map((name) => `${name} ${was[name] ?? '-'} → ${is[name] ?? '-'}`);
}

/** What an entry says, as text by name. */
function described(entry: FileEntry): Record<string, string> {
  if (entry.type === 'hardlink') return { type: entry.type, target: JSON.stringify(entry.target) };
  const { type, mode, uid, gid, mtime, xattrs } = entry;
  const time = `${mtime.seconds}.${String(mtime.nanos).padStart(9, '0')}`;
  const all: Record<string, string> = { type, mode: mode.toString(8).padStart(4, '0'), owner: `${uid}:${gid}`, time };
  for (const { name, value } of xattrs) all[`xattr ${name}`] = Buffer.from(value).toString('base64');
  if (entry.type === 'file') all['size'] = `${entry.size}`;
  if (entry.type === 'symlink') all['target'] = JSON.stringify(entry.target);
  if (entry.type === 'char' || entry.type === 'block') all['device'] = `${entry.major}:${entry.minor}`;
  return all;
}

type Content = Uint8Array | AsyncIterable<Uint8Array>;

async function sameBytes(a: Content, b: Content): Promise<boolean> {
  if (a instanceof Uint8Array && b instanceof Uint8Array) return Buffer.compare(a, b) === 0;
  const [left, right] = [byteReader(streamed(a)), byteReader(streamed(b))];
  try {
    for (;;) {
      const [one, other] = [await left.take(2 ** 20), await right.take(2 ** 20)];
      if (!one.equals(other)) return false;
      if (one.length === 0) return true;
    }
  } finally {
    await left.close();
    await right.close();
  }
}

async function* streamed(content: Content): AsyncGenerator<Uint8Array> {
  if (content instanceof Uint8Array) yield content;
  else yield* content;
}
