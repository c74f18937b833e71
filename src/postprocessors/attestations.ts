import { checkContent } from '../attest/content.ts';
import type { Referrer } from '../attest/referrer.ts';
import { byteString } from '../base/byte-string.ts';
import type { Digest } from '../base/digest.ts';
import { PortkitError } from '../base/errors.ts';
import type { Ref } from '../base/ref.ts';
import { treeSource } from '../oci/layout/tree.ts';
import type { Descriptor } from '../oci/model/descriptor.ts';
import { kindOf } from '../oci/model/media-types.ts';
import { readManifest } from '../oci/model/read.ts';
import { selectItem } from '../store/trees/select.ts';
import type { LayoutWorld } from './layout-tree.ts';
import { extendLayout, mainManifest, pathOf } from './layout-tree.ts';

/** What attestations of a layout are about: the named manifest first, and those that it is an index of. */
export async function subjectsOf(layout: Digest, world: LayoutWorld): Promise<readonly Descriptor[]> {
  const main = await mainManifest(layout, world);
  const manifest = await readManifest(treeSource(layout, world.blobs), main, world.signal);
  const inner = manifest.kind === 'index' ? manifest.manifests.filter(({ mediaType }) => kindOf(mediaType) !== 'blob') : [];
  const all = new Map([main, ...inner].map(({ mediaType, digest, size }) => [digest, { mediaType, digest, size }]));
  return [...all.values()];
}

/** Refuses a layout in which anything that a manifest names is not there, or is not what it is called (PK4003). */
export function requireWhole(layout: Digest, main: Descriptor, world: LayoutWorld): Promise<void> {
  const { blobs, signal } = world;
  return checkContent(main, {
    reader: treeSource(layout, blobs),
    checkBlob: (blob) => requireFile(layout, blob, world),
    signal,
  });
}

/** The tree says the digest of every file: nothing has to be read. */
async function requireFile(layout: Digest, { digest, size }: Descriptor, world: LayoutWorld): Promise<void> {
  const item = await selectItem(layout, byteString(pathOf(digest)), world);
  if (item?.type === 'file' && item.content === digest && item.size === size) return;
  throw new PortkitError('PK4003', `The content of ${digest} in the layout is not what it is called, or not there`);
}

/** The layout with more to say about its manifests. */
export function withReferrers(layout: Digest, referrers: readonly Referrer[], world: LayoutWorld): Promise<Ref> {
  const documents = referrers.flatMap((one) => one.documents);
  return extendLayout(layout, { blobs: [], documents, manifests: referrers.map(({ descriptor }) => descriptor) }, world);
}
