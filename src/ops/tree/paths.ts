import { byteString, showBytes } from '../../base/byte-string.ts';
import type { ByteString } from '../../base/byte-string.ts';
import type { Digest } from '../../base/digest.ts';
import { PortkitError } from '../../base/errors.ts';
import { suggest } from '../../base/suggest.ts';
import { readItem, readNode } from '../../store/trees/access.ts';
import type { Item, TreeAccess } from '../../store/trees/access.ts';
import { joinPath, sameBytes, showPath, splitPath } from '../../store/trees/path.ts';

/** The path of an edit: `/usr/bin/` is the path usr/bin and means "into it". Refuses (PK1003) what no tree can have. */
export function editPath(text: string): { readonly path: ByteString; readonly into: boolean } {
  const path = byteString(text.replace(/^\//, '').replace(/\/$/, ''));
  splitPath(path);
  return { path, into: text.endsWith('/') };
}

/** Where a path leads within a tree. */
export interface Found {
  /** The path without symlinks, as far as there is something; the rest as it was asked for. */
  readonly path: ByteString;
  readonly item: Item | undefined;
}

/** As many symlinks as the kernel follows. */
const mostLinks = 40;

/**
 * Follows a path like the kernel does in a changed root: absolute links begin at the tree's root, and `..` ends there. The
 * last name is followed only when asked.
 */
export async function followPath(
  root: Digest,
  path: ByteString,
  { access, last }: { readonly access: TreeAccess; readonly last: 'follow' | 'keep' },
): Promise<Found> {
  const top: Item = { ...(await readNode(root, access)), type: 'dir', name: byteString(''), node: root };
  let trail: { readonly name: ByteString; readonly item: Item | undefined }[] = [];
  let names = path.split('/').map(sameBytes);
  let links = 0;
  for (let name = names.shift(); name !== undefined; name = names.shift()) {
    if (name === '' || name === '.') continue;
    if (name === '..') {
      trail.pop();
      continue;
    }
    const above = trail.length === 0 ? top : trail.at(-1)?.item;
    const entry = above?.type === 'dir' ? above.entries.find((one) => one.name === name) : undefined;
    if (entry?.type === 'symlink' && (names.length > 0 || last === 'follow')) {
      links += 1;
      if (links > mostLinks) return { path, item: undefined };
      if (entry.target.startsWith('/')) trail = [];
      names = [...entry.target.split('/').map(sameBytes), ...names];
    } else trail.push({ name, item: entry && (await readItem(entry, access)) });
  }
  return { path: pathOf(trail), item: trail.length === 0 ? top : trail.at(-1)?.item };
}

function pathOf(trail: readonly { readonly name: ByteString }[]): ByteString {
  return sameBytes(trail.map(({ name }) => name).join('/'));
}

/** The error for a path that is not in a tree: where it ends, and what is near. */
export async function missingPath(root: Digest, path: ByteString, access: TreeAccess): Promise<PortkitError> {
  let above = sameBytes('');
  for (const name of splitPath(path)) {
    const { item } = await followPath(root, above, { access, last: 'follow' });
    const message = `There is no ${showPath(path)} in the tree`;
    if (item?.type !== 'dir') return new PortkitError('PK3307', message, { hint: `${showPath(above)} is no directory` });
    if (!item.entries.some((entry) => entry.name === name)) {
      return new PortkitError('PK3307', message, { hint: nearby(above, name, item.entries) });
    }
    above = joinPath(above, name);
  }
  return new PortkitError('PK3307', `${showPath(path)} leads nowhere in the tree`, { hint: 'A symlink on the way is broken' });
}

function nearby(directory: ByteString, name: ByteString, entries: readonly { readonly name: ByteString }[]): string {
  const known = entries.map((entry) => showBytes(entry.name));
  const near = suggest(showBytes(name), known);
  const where = directory === '' ? 'The root of the tree' : showPath(directory);
  if (near !== undefined) return `Did you mean ${JSON.stringify(near)}?`;
  if (known.length === 0) return `${where} is empty`;
  return `${where} holds ${known.slice(0, 8).join(', ')}${known.length > 8 ? `, … (${known.length})` : ''}`;
}
