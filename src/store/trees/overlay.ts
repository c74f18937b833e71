import type { ByteString } from '../../base/byte-string.ts';
import type { Digest } from '../../base/digest.ts';
import { readNode } from './access.ts';
import type { TreeAccess } from './access.ts';
import { malformed } from './check.ts';
import { encodeNode } from './encode.ts';
import { addGroup, firstName, groupsOf, takeGroup } from './links.ts';
import type { Links } from './links.ts';
import type { Attributes, Entry, TreeNode } from './node.ts';
import { sameBytes } from './path.ts';

/** A directory in memory, to be changed; its subdirectories stay digests until something in them is touched. */
export interface OpenDirectory {
  readonly type: 'open';
  attributes: Attributes;
  readonly entries: Map<ByteString, Entry | OpenDirectory>;
  readonly links: Links;
  /** What it was read from, while nothing in it or below it has changed. */
  unchanged: Digest | undefined;
}

/** A new directory with nothing in it. */
export function emptyDirectory(attributes: Attributes): OpenDirectory {
  return { type: 'open', attributes, entries: new Map(), links: new Map(), unchanged: undefined };
}

/** A stored directory, opened. */
export async function openDirectory(digest: Digest, access: TreeAccess): Promise<OpenDirectory> {
  const node = await readNode(digest, access);
  const links: Links = new Map();
  for (const group of node.links) addGroup(links, group);
  const entries = new Map(node.entries.map((entry) => [entry.name, entry] as const));
  return { type: 'open', attributes: attributesOf(node), entries, links, unchanged: digest };
}

/** The subdirectory of this name, opened in its place, or undefined when there is none. */
export async function openChild(
  directory: OpenDirectory,
  name: ByteString,
  access: TreeAccess,
): Promise<OpenDirectory | undefined> {
  const child = directory.entries.get(name);
  if (child?.type === 'open') return child;
  if (child?.type !== 'dir') return undefined;
  const opened = await openDirectory(child.node, access);
  directory.entries.set(name, opened);
  return opened;
}

/** The attributes alone. */
export function attributesOf({ mode, uid, gid, mtime, xattrs }: Attributes): Attributes {
  return { mode, uid, gid, mtime, xattrs };
}

/**
 * Writes what changed, from the bottom up, and answers the digest; what did not change is not written again. `written` gets
 * the new digests: they count as what the directories were read from only when the bytes are durable.
 */
export async function writeDirectory(
  directory: OpenDirectory,
  to: { readonly access: TreeAccess; readonly written: Map<OpenDirectory, Digest>; add(bytes: Uint8Array): Digest },
): Promise<Digest> {
  to.access.signal.throwIfAborted();
  if (directory.unchanged !== undefined) return directory.unchanged;
  const links = await settleLinks(directory, to.access);
  const entries: Entry[] = [];
  for (const [name, child] of directory.entries) {
    entries.push(child.type === 'open' ? { type: 'dir', name, node: await writeDirectory(child, to) } : child);
  }
  entries.sort((a, b) => (a.name < b.name ? -1 : 1));
  const digest = to.add(encodeNode({ ...directory.attributes, entries, links }));
  to.written.set(directory, digest);
  return digest;
}

/** The groups that stand here: those that lost members may have become none, or belong further down and move there. */
async function settleLinks(directory: OpenDirectory, access: TreeAccess): Promise<TreeNode['links']> {
  const here: (readonly ByteString[])[] = [];
  for (const group of groupsOf(directory.links)) {
    const [name, ...others] = new Set(group.map(firstName));
    if (name === undefined || group.length < 2) continue;
    if (others.length > 0) {
      here.push(group);
      continue;
    }
    const child = await openChild(directory, name, access);
    if (child === undefined) throw malformed('to be written', 'a hard link leads nowhere');
    addGroup(
      child.links,
      takeGroup(directory.links, group[0] ?? name).map((path) => sameBytes(path.slice(name.length + 1))),
    );
    child.unchanged = undefined;
  }
  return here;
}
