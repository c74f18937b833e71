import { PortkitError } from '../../base/errors.ts';
import { parseStrictJson } from '../../formats/strict-json.ts';
import type { Annotations, Descriptor } from './descriptor.ts';
import { annotationsOf, descriptorOf, list, malformed, record } from './fields.ts';
import { isMediaType, kindOf, mediaTypes } from './media-types.ts';

interface Common {
  readonly mediaType: string;
  /** What it is made for; a manifest that does not say so is of the type of its config (image-spec, manifest.md). */
  readonly artifactType?: string;
  readonly subject?: Descriptor;
  readonly annotations: Annotations;
  /** The bytes that were parsed: the only ones with the digest of the document. */
  readonly raw: Uint8Array;
}

/** Blobs with a config: an image, or an artifact. */
export interface ImageManifest extends Common {
  readonly kind: 'manifest';
  readonly artifactType: string;
  readonly config: Descriptor;
  readonly layers: readonly Descriptor[];
}

/** Several manifests under one digest. */
export interface ImageIndex extends Common {
  readonly kind: 'index';
  readonly manifests: readonly Descriptor[];
}

/** One of the two documents that a name can stand for. */
export type Manifest = ImageManifest | ImageIndex;

/** The largest document that is read: the size that registries must take (distribution-spec, "Pushing Manifests"). */
export const documentLimit = 4 << 20;

/** What bytes are expected to be. */
export interface Expected {
  /** As messages name it. */
  readonly shown: string;
  /** The type that a descriptor or the registry says. */
  readonly mediaType?: string;
}

/**
 * An index or manifest. Bytes that could be read as both, or that say that they are the other one, are refused (PK4002;
 * CVE-2021-41190), as are those of more than 4 MiB (PK4006). Fields that are not known are passed over.
 */
export function parseManifest(raw: Uint8Array, { shown, mediaType: expected }: Expected): Manifest {
  if (raw.length > documentLimit) throw tooLarge(shown);
  const value = record(strictJson(raw, shown), shown);
  const isIndex = 'manifests' in value;
  if (isIndex === ('layers' in value || 'config' in value)) {
    throw malformed(shown, 'it is neither an index nor a manifest, or both');
  }
  const { schemaVersion, artifactType, subject } = value;
  if (schemaVersion !== 2) throw malformed(shown, 'its schema version is not known');
  const mediaType = value['mediaType'] ?? expected ?? (isIndex ? mediaTypes.index : mediaTypes.manifest);
  if (typeof mediaType !== 'string' || kindOf(mediaType) !== (isIndex ? 'index' : 'manifest')) {
    throw malformed(shown, 'its media type is not what it is');
  }
  if (expected !== undefined && expected !== mediaType) {
    throw malformed(shown, `it says that it is ${mediaType}, and was said to be ${JSON.stringify(expected.slice(0, 200))}`);
  }
  const said = type(artifactType, shown);
  const common = {
    mediaType,
    ...(said === undefined ? {} : { artifactType: said }),
    ...(subject === undefined || subject === null ? {} : { subject: descriptorOf(subject, shown) }),
    annotations: annotationsOf(value['annotations'], shown),
    raw,
  };
  if (isIndex)
    return { kind: 'index', ...common, manifests: list(value['manifests'], shown).map((one) => descriptorOf(one, shown)) };
  const config = descriptorOf(value['config'], shown);
  const layers = list(value['layers'], shown).map((one) => descriptorOf(one, shown));
  return { kind: 'manifest', ...common, artifactType: said ?? config.mediaType, config, layers };
}

/** Whether a document is an image, and not an artifact of another kind. */
export function isImage(manifest: Manifest): boolean {
  if (manifest.kind === 'index') return manifest.artifactType === undefined;
  const { artifactType, config } = manifest;
  return (
    artifactType === config.mediaType &&
    (config.mediaType === mediaTypes.imageConfig || config.mediaType === mediaTypes.dockerConfig)
  );
}

/** The JSON value of a document of a registry; PK4002 when two readers could understand it differently. */
export function strictJson(raw: Uint8Array, shown: string): unknown {
  try {
    return parseStrictJson(raw, shown);
  } catch (error) {
    if (!(error instanceof PortkitError)) throw error;
    throw new PortkitError('PK4002', error.message, { cause: error });
  }
}

/** The error for a document that is too large to be read. */
export function tooLarge(shown: string): PortkitError {
  return new PortkitError('PK4006', `${shown} has more than the ${documentLimit} bytes that are read of a document`);
}

function type(value: unknown, shown: string): string | undefined {
  if (value === undefined || value === null || value === '') return undefined;
  if (typeof value === 'string' && isMediaType(value)) return value;
  throw malformed(shown, 'its artifact type is no media type');
}
