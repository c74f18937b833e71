import type { Lease, Store } from '../../store/store.ts';
import { copy } from '../copy/copy.ts';
import type { CopyFrom, CopyOptions } from '../copy/copy.ts';
import type { LayoutSource } from '../layout/files.ts';
import { treeSource } from '../layout/tree.ts';
import type { Descriptor } from '../model/descriptor.ts';
import { showReference } from '../model/reference.ts';
import type { Reference } from '../model/reference.ts';
import { storeLayout } from './store-layout.ts';

/** What the cache needs of the store. */
export type CacheStore = Pick<Store, 'blobs' | 'tags' | 'lease' | 'directory'>;

const prefix = 'oci/';
/** What a cached image is called in its own layout. */
const inside = 'pulled';

/** Pulls what a reference stands for into the store, in place of what was pulled under it before. */
export async function pullToCache(
  from: CopyFrom,
  { reference, store }: { readonly reference: Reference; readonly store: CacheStore },
  options: CopyOptions,
): Promise<Descriptor> {
  using lease = store.lease(`pull ${showReference(reference)}`);
  const { layout, tree } = storeLayout({ directory: store.directory, blobs: store.blobs, lease });
  const root = await copy(from, { target: layout, name: inside }, options);
  store.tags.set(tagOf(reference), await tree(options.signal));
  return root;
}

/**
 * What was pulled under a reference; undefined when nothing was. The lease holds it: another pull may take its name, and a
 * collection would then take its blobs.
 */
export function cached(
  reference: Reference,
  store: CacheStore,
  lease: Lease,
): (CopyFrom & { readonly source: LayoutSource }) | undefined {
  const ref = store.tags.get(tagOf(reference));
  if (ref === undefined || lease.hold([ref])[0] !== true) return undefined;
  return { source: treeSource(ref.digest, store.blobs), name: inside };
}

function tagOf(reference: Reference): string {
  const { tag, digest } = reference;
  return `${prefix}${showReference(tag === undefined && digest === undefined ? { ...reference, tag: 'latest' } : reference)}`;
}
