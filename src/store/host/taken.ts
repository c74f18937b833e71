import { fromBytes } from '../../base/byte-string.ts';
import type { ByteString } from '../../base/byte-string.ts';
import type { Digest } from '../../base/digest.ts';
import { encodeNode } from '../trees/encode.ts';
import type { Attributes, Entry } from '../trees/node.ts';

/** A directory whose contents are stored, but not yet its node: hard links are known only when the walk is over. */
export interface TakenDirectory {
  readonly attributes: Attributes;
  readonly entries: readonly (Exclude<Entry, { type: 'dir' }> | TakenEntry)[];
}

interface TakenEntry {
  readonly type: 'taken';
  readonly name: ByteString;
  readonly directory: TakenDirectory;
}

type Groups = ReadonlyMap<string, readonly (readonly ByteString[])[]>;

/** The groups of files with several names, by their lowest common directory (`` or `a/b/`), as paths relative to it. */
export function linkGroups(inodes: Iterable<readonly string[]>): Groups {
  const groups = new Map<string, (readonly ByteString[])[]>();
  for (const paths of inodes) {
    if (paths.length < 2) continue;
    const common = commonDirectory(paths);
    const members = paths.map((path) => fromBytes(Buffer.from(path.slice(common.length), 'latin1'))).toSorted();
    groups.set(common, [...(groups.get(common) ?? []), members]);
  }
  for (const [at, list] of groups)
    groups.set(
      at,
      list.toSorted((a, b) => ((a[0] ?? '') < (b[0] ?? '') ? -1 : 1)),
    );
  return groups;
}

function commonDirectory(paths: readonly string[]): string {
  const [first = '', ...rest] = paths;
  let end = first.lastIndexOf('/') + 1;
  while (!rest.every((path) => path.startsWith(first.slice(0, end)))) end = first.lastIndexOf('/', end - 2) + 1;
  return first.slice(0, end);
}

/** Writes the nodes of a taken directory from the bottom up; answers the digest of the top. */
export function writeNodes(taken: TakenDirectory, path: string, to: { groups: Groups; add(bytes: Uint8Array): Digest }): Digest {
  const entries = taken.entries.map((entry): Entry => {
    if (entry.type !== 'taken') return entry;
    return { type: 'dir', name: entry.name, node: writeNodes(entry.directory, `${path}${entry.name}/`, to) };
  });
  return to.add(encodeNode({ ...taken.attributes, entries, links: to.groups.get(path) ?? [] }));
}
