import type { Descriptor } from '../oci/model/descriptor.ts';
import { kindOf } from '../oci/model/media-types.ts';
import type { Source } from '../oci/model/ports.ts';
import { readManifest } from '../oci/model/read.ts';
import type { Attached } from './attached.ts';
import { statementsIn } from './attached.ts';

/** A manifest of an index, and what the index itself has about it. */
export interface Part {
  readonly subject: Descriptor;
  readonly attached: readonly Attached[];
}

/** Manifests of an index that are looked at: each may be a question to a registry. */
const mostParts = 100;

/**
 * The manifests of an index, each with the statements that BuildKit puts into the index for it (moby/buildkit,
 * docs/attestations/attestation-storage.md): a manifest for no platform whose layers are the statements. None for what is no index.
 */
export async function embeddedIn(source: Source, root: Descriptor, signal: AbortSignal): Promise<readonly Part[]> {
  if (kindOf(root.mediaType) !== 'index') return [];
  const index = await readManifest(source, root, signal);
  if (index.kind !== 'index') return [];
  const told = index.manifests.slice(0, mostParts);
  const holders = told.filter(({ annotations }) => annotations?.['vnd.docker.reference.type'] === 'attestation-manifest');
  const parts: Part[] = [];
  for (const subject of told.filter((one) => !holders.includes(one))) {
    const attached: Attached[] = [];
    for (const holder of holders)
      if (holder.annotations?.['vnd.docker.reference.digest'] === subject.digest)
        attached.push(...(await statementsIn(source, holder, signal)));
    parts.push({ subject, attached });
  }
  return parts;
}
