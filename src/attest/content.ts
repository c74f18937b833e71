import type { Descriptor } from '../oci/model/descriptor.ts';
import { kindOf } from '../oci/model/media-types.ts';
import type { BlobReader } from '../oci/model/ports.ts';
import { readManifest } from '../oci/model/read.ts';
import { successors } from '../oci/model/successors.ts';

/** How the blobs that manifests name are looked at. */
export interface ContentCheck {
  readonly reader: BlobReader;
  readonly checkBlob: (blob: Descriptor) => Promise<void>;
  readonly signal: AbortSignal;
}

/**
 * Looks at everything that a manifest names, each digest once: a signature is over digests, and only says something about
 * content that has them. Manifests are verified as they are read.
 */
export async function checkContent(main: Descriptor, { reader, checkBlob, signal }: ContentCheck): Promise<void> {
  const found = new Map([[main.digest, main]]);
  // What is found while walking is walked to, too.
  for (const [, descriptor] of found) {
    if (kindOf(descriptor.mediaType) === 'blob') await checkBlob(descriptor);
    else for (const one of successors(await readManifest(reader, descriptor, signal))) found.set(one.digest, one);
  }
}
