import type { Annotations, Descriptor } from '../oci/model/descriptor.ts';
import type { Produced } from '../oci/model/produce.ts';
import { describe, emptyBlob, produceManifest } from '../oci/model/produce.ts';
import { bundleType } from './bundle.ts';
import { statementType } from './statement.ts';

/** A manifest about another one: as an index lists it, and everything that has to be where it is. */
export interface Referrer {
  readonly descriptor: Descriptor;
  readonly documents: readonly Produced[];
}

/** What an attestation is about, and of which kind it is. */
export interface About {
  readonly subject: Descriptor;
  readonly predicateType: string;
}

/** A signed statement as cosign 3 attaches it (cosign, specs/BUNDLE_SPEC.md), without the time, which would always be another. */
export function bundleReferrer(bundle: Uint8Array, { subject, predicateType }: About): Referrer {
  const annotations = {
    'dev.sigstore.bundle.content': 'dsse-envelope',
    'dev.sigstore.bundle.predicateType': predicateType,
  };
  const layer = { descriptor: describe(bundle, bundleType), bytes: bundle };
  return referrer({ artifactType: bundleType, layer, subject, annotations });
}

/** An unsigned statement, with the annotation of BuildKit's layers. */
export function statementReferrer(statement: Uint8Array, { subject, predicateType }: About): Referrer {
  const annotations = { 'in-toto.io/predicate-type': predicateType };
  const layer = { descriptor: { ...describe(statement, statementType), annotations }, bytes: statement };
  return referrer({ artifactType: statementType, layer, subject, annotations });
}

interface Parts {
  readonly artifactType: string;
  readonly layer: Produced;
  readonly subject: Descriptor;
  readonly annotations: Annotations;
}

function referrer({ layer, ...parts }: Parts): Referrer {
  const manifest = produceManifest({ ...parts, layers: [layer.descriptor] });
  return {
    descriptor: { ...manifest.descriptor, annotations: parts.annotations },
    documents: [emptyBlob, layer, manifest],
  };
}
