import { createHash } from 'node:crypto';
import type { Annotations, Descriptor, Platform } from './descriptor.ts';
import { byName } from './fields.ts';
import type { Manifest } from './manifest.ts';
import { mediaTypes } from './media-types.ts';

/** A document that was made here: its bytes and what they are. */
export interface Produced {
  readonly descriptor: Descriptor;
  readonly bytes: Uint8Array;
}

/** What a manifest is made of. */
export interface ManifestParts {
  readonly artifactType?: string;
  /** The empty one, `{}`, when it is not said; then `artifactType` must be. */
  readonly config?: Descriptor;
  readonly layers: readonly Descriptor[];
  readonly subject?: Descriptor;
  readonly annotations?: Annotations;
}

/** What an index is made of. */
export interface IndexParts {
  readonly artifactType?: string;
  readonly manifests: readonly Descriptor[];
  readonly subject?: Descriptor;
  readonly annotations?: Annotations;
}

/** A blob of these bytes. */
export function describe(bytes: Uint8Array, mediaType: string): Descriptor {
  return { mediaType, digest: `sha256:${createHash('sha256').update(bytes).digest('hex')}`, size: bytes.length };
}

/** The blob for a config or layer that says nothing (image-spec, "Guidance for an Empty Descriptor"). */
export const emptyBlob: Produced = produce(mediaTypes.empty, {});

/**
 * The one manifest of these parts: keys in a fixed order, annotations sorted, no white space, and nothing that was not
 * given, so no time. Without layers it has the empty one, which every registry takes.
 */
export function produceManifest({ artifactType, config, layers, subject, annotations }: ManifestParts): Produced {
  if (config === undefined && artifactType === undefined)
    throw new Error('A manifest with an empty config needs an artifact type');
  return produce(mediaTypes.manifest, {
    schemaVersion: 2,
    mediaType: mediaTypes.manifest,
    artifactType,
    config: plain(config ?? emptyBlob.descriptor),
    layers: (layers.length === 0 ? [emptyBlob.descriptor] : layers).map(plain),
    subject: subject && plain(pointer(subject)),
    annotations: sorted(annotations),
  });
}

/** The one index of these parts, by the same rules; the manifests stay in the order in which they are given. */
export function produceIndex({ artifactType, manifests, subject, annotations }: IndexParts): Produced {
  return produce(mediaTypes.index, {
    schemaVersion: 2,
    mediaType: mediaTypes.index,
    artifactType,
    manifests: manifests.map(plain),
    subject: subject && plain(pointer(subject)),
    annotations: sorted(annotations),
  });
}

/** A document as lists of referrers show it: with what it is and all that it says of itself (distribution-spec). */
export function describeReferrer({ digest, size }: Descriptor, manifest: Manifest): Descriptor {
  const { mediaType, artifactType, annotations } = manifest;
  return {
    mediaType,
    digest,
    size,
    ...(artifactType === undefined ? {} : { artifactType }),
    ...(Object.keys(annotations).length === 0 ? {} : { annotations }),
  };
}

/** Only what says which bytes are meant. */
function pointer({ mediaType, digest, size }: Descriptor): Descriptor {
  return { mediaType, digest, size };
}

/** Members that are undefined are left out by JSON. */
function produce(mediaType: string, value: Readonly<Record<string, unknown>>): Produced {
  const bytes = Buffer.from(JSON.stringify(value));
  const { artifactType } = value;
  return { bytes, descriptor: { ...describe(bytes, mediaType), ...(typeof artifactType === 'string' ? { artifactType } : {}) } };
}

/** A descriptor with its keys in the order that Go programs write. */
function plain({ mediaType, digest, size, annotations, platform, artifactType }: Descriptor): unknown {
  return {
    mediaType,
    digest,
    size,
    annotations: sorted(annotations),
    platform: platform && plainPlatform(platform),
    artifactType,
  };
}

function plainPlatform({ os, architecture, variant, 'os.version': version, 'os.features': features }: Platform): unknown {
  return { architecture, os, 'os.version': version, 'os.features': features, variant };
}

function sorted(annotations: Annotations = {}): Annotations | undefined {
  const entries = Object.entries(annotations).toSorted(byName);
  return entries.length === 0 ? undefined : Object.fromEntries(entries);
}
