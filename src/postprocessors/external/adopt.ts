import { byteString } from '../../base/byte-string.ts';
import type { Digest } from '../../base/digest.ts';
import { PortkitError } from '../../base/errors.ts';
import type { Ref } from '../../base/ref.ts';
import type { Descriptor } from '../../oci/model/descriptor.ts';
import { documentLimit, parseManifest, tooLarge } from '../../oci/model/manifest.ts';
import { kindOf } from '../../oci/model/media-types.ts';
import { successors } from '../../oci/model/successors.ts';
import { selectItem } from '../../store/trees/select.ts';
import type { LayoutWorld, StoredBlob } from '../layout-tree.ts';
import { mainManifest, pathOf, readLayout, withMark, writeLayout } from '../layout-tree.ts';

/**
 * A layout that a postprocessor wrote, as one of ours: with exactly what its index leads to, each file being what it is called
 * (PK4003). A blob that it does not have is taken from the layout that it was given; it need not have `oci-layout` either.
 */
export async function adoptLayout(written: Digest, world: LayoutWorld & { readonly layout: Digest }): Promise<Ref> {
  const layout = await withMark(written, world);
  await mainManifest(layout, world);
  const manifests = await readLayout(layout, world);
  const found = new Map(manifests.map((one) => [one.digest, one]));
  const blobs: StoredBlob[] = [];
  // What is found while walking is walked to, too; each digest once.
  for (const [, descriptor] of found) {
    const blob = await fileOf(descriptor, { written, world });
    blobs.push(blob);
    if (kindOf(descriptor.mediaType) === 'blob') continue;
    if (blob.size > documentLimit) throw tooLarge(descriptor.digest);
    const bytes = world.blobs.get(blob.digest, documentLimit);
    if (bytes === undefined) throw new PortkitError('PK2002', `The blob ${blob.digest} is not in the store`);
    const manifest = parseManifest(bytes, { shown: descriptor.digest, mediaType: descriptor.mediaType });
    for (const one of successors(manifest)) found.set(one.digest, found.get(one.digest) ?? one);
  }
  return writeLayout({ blobs, documents: [], manifests }, world);
}

async function fileOf(
  { digest, size }: Descriptor,
  { written, world }: { readonly written: Digest; readonly world: LayoutWorld & { readonly layout: Digest } },
): Promise<StoredBlob> {
  const path = byteString(pathOf(digest));
  const item = (await selectItem(written, path, world)) ?? (await selectItem(world.layout, path, world));
  if (item?.type === 'file' && item.content === digest && item.size === size) return { digest: item.content, size };
  throw new PortkitError(
    'PK4003',
    `The content of ${digest} in the layout of the postprocessor is not what it is called, or not there`,
  );
}
