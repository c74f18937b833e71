import { statSync } from 'node:fs';
import { basename, dirname } from 'node:path';
import { byteString } from '../../base/byte-string.ts';
import { PortkitError } from '../../base/errors.ts';
import type { Ref } from '../../base/ref.ts';
import type { Store } from '../store.ts';
import { decodeNode } from '../trees/decode.ts';
import { patternFilter } from './ignore.ts';
import { changed } from './host-directory.ts';
import { snapshot } from './snapshot.ts';
import type { SnapshotFilter } from './snapshot.ts';
import type { StatCache } from './stat-cache.ts';

/** What is taken of a path. */
export interface Taken {
  readonly include?: readonly string[];
  readonly exclude?: readonly string[];
}

/**
 * Takes a file as a blob, a directory as a tree of what the patterns leave. Modes are made portable and times dropped, so
 * that two checkouts of one source are the same.
 */
export async function takePath(
  path: string,
  { include = [], exclude = [] }: Taken,
  how: { readonly store: Pick<Store, 'blobs' | 'generation'>; readonly cache: StatCache; readonly signal: AbortSignal },
): Promise<Ref> {
  const { store, cache, signal } = how;
  const options = { modes: 'portable', cache, signal } as const;
  if (statSync(path).isDirectory()) {
    const patterns = { include: include.map(byteString), exclude: exclude.map(byteString) };
    const filtered = include.length + exclude.length > 0 ? { ...options, filter: patternFilter(patterns) } : options;
    return { kind: 'tree', digest: (await snapshot(path, store, filtered)).tree };
  }
  if (include.length + exclude.length > 0) {
    throw new PortkitError('PK1004', `${path} is a file: it has nothing to include or exclude`);
  }
  // A file is taken as the only one of its directory, so that the stat cache serves it too.
  const { tree } = await snapshot(dirname(path), store, { ...options, filter: onlyName(basename(path)) });
  const [entry] = decodeNode(store.blobs.get(tree) ?? new Uint8Array(), tree).entries;
  if (entry?.type !== 'file') throw changed(path);
  return { kind: 'blob', digest: entry.content };
}

function onlyName(name: string): SnapshotFilter {
  const wanted = byteString(name);
  return { id: JSON.stringify(['only', name]), keeps: (path) => path === wanted, enters: () => false };
}
