import type { Digest } from '../base/digest.ts';
import { parseDigest } from '../base/digest.ts';
import { PortkitError } from '../base/errors.ts';
import type { Referrer } from '../attest/referrer.ts';
import type { Ref } from '../base/ref.ts';
import type { Descriptor } from '../oci/model/descriptor.ts';
import type { Manifest } from '../oci/model/manifest.ts';
import { documentLimit, parseManifest } from '../oci/model/manifest.ts';
import { kindOf } from '../oci/model/media-types.ts';
import { successors } from '../oci/model/successors.ts';
import { selectItem } from '../store/trees/select.ts';
import { byteString } from '../base/byte-string.ts';
import type { LayoutWorld } from './layout-tree.ts';
import { extendLayout, mainManifest, pathOf, readLayout } from './layout-tree.ts';

/** An attestation as a layout has it: what it is about, and its one layer. */
export interface Attestation {
  readonly subject: Descriptor;
  readonly content: Uint8Array;
}

/** Bytes of a statement or bundle that are read: as many as BuildKit allows. */
const largest = 40 << 20;

/** What attestations of a layout are about: the named manifest first, and those that it is an index of. */
export async function subjectsOf(layout: Digest, world: LayoutWorld): Promise<readonly Descriptor[]> {
  const main = await mainManifest(layout, world);
  const manifest = await manifestAt(layout, main, world);
  const inner = manifest.kind === 'index' ? manifest.manifests.filter(({ mediaType }) => kindOf(mediaType) !== 'blob') : [];
  const all = new Map([main, ...inner].map(({ mediaType, digest, size }) => [digest, { mediaType, digest, size }]));
  return [...all.values()];
}

/** Everything of one type that a layout says about its manifests. */
export async function attestationsOf(layout: Digest, artifactType: string, world: LayoutWorld): Promise<readonly Attestation[]> {
  const found: Attestation[] = [];
  for (const descriptor of await readLayout(layout, world)) {
    const manifest = await manifestAt(layout, descriptor, world);
    if (manifest.kind === 'index' || manifest.artifactType !== artifactType || manifest.subject === undefined) continue;
    const [layer] = manifest.layers;
    if (layer !== undefined)
      found.push({ subject: manifest.subject, content: await contentAt(layout, layer, { world, limit: largest }) });
  }
  return found;
}

/**
 * Refuses a layout in which anything that a manifest names is not there, or is not what it is called (PK4003): a signature
 * is over digests, and only says something about files that have them.
 */
export async function requireWhole(layout: Digest, main: Descriptor, world: LayoutWorld): Promise<void> {
  const found = new Map([[main.digest, main]]);
  // What is found while walking is walked to, too; each digest once.
  for (const [, descriptor] of found) {
    if (kindOf(descriptor.mediaType) === 'blob') await requireFile(layout, descriptor, world);
    else for (const one of successors(await manifestAt(layout, descriptor, world))) found.set(one.digest, one);
  }
}

/** The layout with more to say about its manifests. */
export function withReferrers(layout: Digest, referrers: readonly Referrer[], world: LayoutWorld): Promise<Ref> {
  const documents = referrers.flatMap((one) => one.documents);
  return extendLayout(layout, { blobs: [], documents, manifests: referrers.map(({ descriptor }) => descriptor) }, world);
}

async function manifestAt(layout: Digest, descriptor: Descriptor, world: LayoutWorld): Promise<Manifest> {
  const { digest: shown, mediaType } = descriptor;
  return parseManifest(await contentAt(layout, descriptor, { world, limit: documentLimit }), { shown, mediaType });
}

async function contentAt(
  layout: Digest,
  descriptor: Descriptor,
  { world, limit }: { readonly world: LayoutWorld; readonly limit: number },
): Promise<Uint8Array> {
  await requireFile(layout, descriptor, world);
  const { digest, size } = descriptor;
  if (size > limit) throw new PortkitError('PK4006', `${digest} has more than the ${limit} bytes that are read of it`);
  const bytes = world.blobs.get(parseDigest(digest), limit);
  if (bytes === undefined) throw new PortkitError('PK2002', `The blob ${digest} is not in the store`);
  return bytes;
}

/**
 * Layouts come from anywhere: a file may be called like a digest that it does not have. The tree says the digest of every
 * file, so that nothing has to be read.
 */
async function requireFile(layout: Digest, { digest, size }: Descriptor, world: LayoutWorld): Promise<void> {
  const item = await selectItem(layout, byteString(pathOf(digest)), world);
  if (item?.type === 'file' && item.content === digest && item.size === size) return;
  throw new PortkitError('PK4003', `The content of ${digest} in the layout is not what it is called, or not there`);
}
