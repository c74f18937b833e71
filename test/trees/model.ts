import type { ByteString } from '../../src/base/byte-string.ts';
import type { Digest } from '../../src/base/digest.ts';
import { createMemoryStore } from '../../src/store/memory.ts';
import { decodeNode } from '../../src/store/trees/decode.ts';
import { encodeNode } from '../../src/store/trees/encode.ts';
import type { Attributes, Entry } from '../../src/store/trees/node.ts';
import { joinPath, sameBytes } from '../../src/store/trees/path.ts';

/** What stands at a path of the model; a directory has attributes only. */
export type ModelEntry = ({ readonly type: 'dir' } & Attributes) | DistributiveOmit<Exclude<Entry, { type: 'dir' }>, 'name'>;

type DistributiveOmit<T, K extends string> = T extends unknown ? Omit<T, K> : never;

/** A tree as simple as it gets: the root is the empty path, and files are hard-linked when they are the same object. */
export type Model = Map<ByteString, ModelEntry>;

/** The root, which every model has. */
export const rootPath = sameBytes('');

/** The directories above a path, the root first. */
export function ancestors(path: ByteString): readonly ByteString[] {
  if (path === '') return [];
  const names = path.split('/');
  return names.map((_, depth) => sameBytes(names.slice(0, depth).join('/')));
}

/** Whether a path is another or stands below it. */
export function within(path: ByteString, top: ByteString): boolean {
  return top === '' || path === top || path.startsWith(`${top}/`);
}

/** Order of a listing: by names, compared as bytes. */
export function compareListed(left: ByteString, right: ByteString): number {
  // A slash sorts before every other byte of a name when it is read as NUL, which no name has.
  const [a, b] = [left.replaceAll('/', '\0'), right.replaceAll('/', '\0')];
  return a < b ? -1 : a > b ? 1 : 0;
}

/** Takes out a path and what is below it. */
export function removeFrom(model: Model, path: ByteString): void {
  for (const one of model.keys()) if (within(one, path)) model.delete(one);
}

/** Whether a path can be put: its parents are directories or not there. */
export function canPut(model: Model, path: ByteString): boolean {
  return path !== '' && ancestors(path).every((parent) => (model.get(parent)?.type ?? 'dir') === 'dir');
}

/** Puts an entry, as a new inode unless it is an object of the model already. */
export function putInto(model: Model, path: ByteString, { entry, parents }: { entry: ModelEntry; parents: Attributes }): void {
  for (const parent of ancestors(path)) if (!model.has(parent)) model.set(parent, { type: 'dir', ...parents });
  if (entry.type !== 'dir' || model.get(path)?.type !== 'dir') removeFrom(model, path);
  model.set(path, entry);
}

/** Trees laid over each other, said as plainly as possible. */
export function mergeModels(bases: readonly Model[]): Model {
  const layers = bases.filter((base) => base.size > 1);
  const merged: Model = new Map(layers.length === 0 ? bases.at(-1) : undefined);
  for (const layer of layers) {
    const inodes = new Map([...layer.values()].map((entry) => [entry, { ...entry }]));
    for (const path of [...layer.keys()].toSorted(compareListed)) {
      const entry = inodes.get(layer.get(path) ?? fail(path)) ?? fail(path);
      if (entry.type !== 'dir' || merged.get(path)?.type !== 'dir') removeFrom(merged, path);
      merged.set(path, entry);
    }
  }
  return merged;
}

/** What a path of the model selects. */
export function selectModel(model: Model, path: ByteString): Model | undefined {
  const entry = model.get(path);
  if (entry === undefined) return undefined;
  if (entry.type !== 'dir') {
    const parent = ancestors(path).at(-1) ?? rootPath;
    return new Map([
      [rootPath, model.get(parent) ?? fail(parent)],
      [sameBytes(path.slice(parent.length && parent.length + 1)), entry],
    ]);
  }
  const skip = path === '' ? 0 : path.length + 1;
  const inside = [...model].filter(([one]) => within(one, path));
  return new Map(inside.map(([one, below]) => [sameBytes(one.slice(skip)), below]));
}

/** The hard link groups, as sorted lists of paths. */
export function groupsIn(model: Model): readonly (readonly ByteString[])[] {
  const groups = new Map<ModelEntry, ByteString[]>();
  for (const [path, entry] of model) if (entry.type === 'file') groups.set(entry, [...(groups.get(entry) ?? []), path]);
  return [...groups.values()].filter((group) => group.length > 1).map((group) => group.toSorted());
}

/** The lowest directory that holds all of the paths. */
function commonDirectory(paths: readonly ByteString[]): ByteString {
  const [first = rootPath, ...rest] = paths;
  return ancestors(first).findLast((one) => rest.every((path) => ancestors(path).includes(one))) ?? rootPath;
}

/** Stores the model node by node, without the code under test; answers the digest of every directory by its path. */
export function storeModel(model: Model, add: (bytes: Uint8Array) => Digest): ReadonlyMap<ByteString, Digest> {
  const groups = groupsIn(model);
  const digests = new Map<ByteString, Digest>();
  for (const [path, own] of [...model].toSorted(([a], [b]) => -compareListed(a, b))) {
    if (own.type !== 'dir') continue;
    const { mode, uid, gid, mtime, xattrs } = own;
    const skip = path === '' ? 0 : path.length + 1;
    const entries = [...model]
      .filter(([one]) => ancestors(one).at(-1) === path)
      .map(([one, entry]): Entry => {
        const name = sameBytes(one.slice(skip));
        return entry.type === 'dir' ? { type: 'dir', name, node: digests.get(one) ?? fail(one) } : { ...entry, name };
      })
      .toSorted((a, b) => (a.name < b.name ? -1 : 1));
    const links = groups
      .filter((group) => commonDirectory(group) === path)
      .map((group) => group.map((one) => sameBytes(one.slice(skip))).toSorted())
      .toSorted(([a = ''], [b = '']) => (a < b ? -1 : 1));
    digests.set(path, add(encodeNode({ mode, uid, gid, mtime, xattrs, entries, links })));
  }
  return digests;
}

/** One directory or other entry of a stored tree, flat: a directory has its groups, and no entries. */
export type Flat = ModelEntry & { readonly links?: readonly (readonly ByteString[])[] };

/** A stored tree as a map, read without the code under test. */
export function flatten(digest: Digest, blobs: { get(digest: Digest): Uint8Array | undefined }): Map<ByteString, Flat> {
  const flat = new Map<ByteString, Flat>();
  function read(path: ByteString, one: Digest): void {
    const { entries, ...own } = decodeNode(blobs.get(one) ?? fail(one), one);
    flat.set(path, { type: 'dir', ...own });
    for (const { name, ...entry } of entries) {
      const at = joinPath(path, name);
      if (entry.type === 'dir') read(at, entry.node);
      else flat.set(at, entry);
    }
  }
  read(rootPath, digest);
  return flat;
}

/** A store in memory that writes down which nodes were read and written, and refuses to keep what is not canonical. */
export function recordingBlobs(): {
  readonly blobs: {
    get(digest: Digest): Uint8Array | undefined;
    batch(): { add(bytes: Uint8Array): Digest; commit(signal: AbortSignal): Promise<void> };
  };
  readonly read: Digest[];
  readonly written: Digest[];
} {
  const store = createMemoryStore();
  const [read, written]: [Digest[], Digest[]] = [[], []];
  const blobs = {
    get(digest: Digest): Uint8Array | undefined {
      read.push(digest);
      return store.get(digest);
    },
    batch() {
      const batch = store.batch();
      return {
        add(bytes: Uint8Array): Digest {
          decodeNode(bytes, 'that was written');
          const digest = batch.add(bytes);
          written.push(digest);
          return digest;
        },
        commit: (signal: AbortSignal) => batch.commit(signal),
      };
    },
  };
  return { blobs, read, written };
}

function fail(what: string): never {
  throw new Error(`The model has nothing at ${what}`);
}
