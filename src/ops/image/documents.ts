import { isDigest } from '../../base/digest.ts';
import type { Digest } from '../../base/digest.ts';
import { PortkitError } from '../../base/errors.ts';
import { parseStrictJson } from '../../formats/strict-json.ts';

/** A blob that a document names (OCI image-spec, descriptor.md). */
export interface Descriptor {
  readonly mediaType: string;
  readonly digest: Digest;
  readonly size: number;
  readonly platform?: string;
  readonly name?: string;
}

/** One of the two documents that a name can stand for. */
export type Document =
  | { readonly kind: 'index'; readonly manifests: readonly Descriptor[] }
  | { readonly kind: 'manifest'; readonly config: Descriptor; readonly layers: readonly Descriptor[] };

/** What of an image's config decides its file system. */
export interface ImageConfig {
  readonly platform: string;
  readonly diffIds: readonly Digest[];
}

const indexTypes = ['application/vnd.oci.image.index.v1+json', 'application/vnd.docker.distribution.manifest.list.v2+json'];
const manifestTypes = ['application/vnd.oci.image.manifest.v1+json', 'application/vnd.docker.distribution.manifest.v2+json'];
const configTypes = ['application/vnd.oci.image.config.v1+json', 'application/vnd.docker.container.image.v1+json'];
const most = 10_000;

/**
 * An index or manifest. Bytes that could be read as both, or that say they are the other one, are refused
 * (CVE-2021-41190).
 */
export function parseDocument(bytes: Uint8Array, shown: string): Document {
  const value = record(parseStrictJson(bytes, shown), shown);
  const isIndex = 'manifests' in value;
  if (isIndex === ('layers' in value || 'config' in value))
    throw malformedImage(`${shown} is neither an index nor a manifest, or both`);
  const { schemaVersion, mediaType } = value;
  if (schemaVersion !== 2) throw malformedImage(`${shown} has a schema version that is not known`);
  if (mediaType !== undefined && !(isIndex ? indexTypes : manifestTypes).some((type) => type === mediaType)) {
    throw malformedImage(`${shown} has a media type that is not what it is`);
  }
  if (isIndex) return { kind: 'index', manifests: descriptors(value['manifests'], shown) };
  const config = descriptor(value['config'], shown);
  if (!configTypes.includes(config.mediaType)) {
    throw malformedImage(`${shown} is no image: its config is of the type ${JSON.stringify(config.mediaType.slice(0, 100))}`);
  }
  return { kind: 'manifest', config, layers: descriptors(value['layers'], shown) };
}

/** The config of an image. */
export function parseConfig(bytes: Uint8Array, shown: string): ImageConfig {
  const value = record(parseStrictJson(bytes, shown), shown);
  const rootfs = record(value['rootfs'], shown);
  const diffIds = rootfs['diff_ids'];
  if (rootfs['type'] !== 'layers' || !Array.isArray(diffIds) || diffIds.length > most) {
    throw malformedImage(`${shown} does not say what its layers are`);
  }
  return { platform: platformOf(value), diffIds: diffIds.map((id) => digest(id, shown)) };
}

/** Whether what is there serves who asks for `wanted`: `os/architecture`, and the variant when that is asked for. */
export function servesPlatform(there: string, wanted: string): boolean {
  return there === wanted || there.startsWith(`${wanted}/`) || (wanted === 'linux/arm64/v8' && there === 'linux/arm64');
}

function descriptors(value: unknown, shown: string): readonly Descriptor[] {
  if (!Array.isArray(value) || value.length > most)
    throw malformedImage(`${shown} has no list where one must be, or a very long one`);
  return value.map((one) => descriptor(one, shown));
}

function descriptor(value: unknown, shown: string): Descriptor {
  const { mediaType, size, digest: id, platform, annotations } = record(value, shown);
  if (typeof mediaType !== 'string' || typeof size !== 'number' || !Number.isSafeInteger(size) || size < 0) {
    throw malformedImage(`${shown} describes a blob wrongly`);
  }
  const name = annotations === undefined ? undefined : record(annotations, shown)['org.opencontainers.image.ref.name'];
  return {
    mediaType,
    size,
    digest: digest(id, shown),
    ...(platform === undefined ? {} : { platform: platformOf(record(platform, shown)) }),
    ...(typeof name === 'string' ? { name } : {}),
  };
}

function platformOf({ os, architecture, variant }: Readonly<Record<string, unknown>>): string {
  return [os, architecture, variant].filter((part) => typeof part === 'string' && part !== '').join('/');
}

function digest(value: unknown, shown: string): Digest {
  if (typeof value === 'string' && isDigest(value)) return value;
  throw malformedImage(`${shown} holds a digest that is malformed or of another kind than sha256`);
}

function record(value: unknown, shown: string): Readonly<Record<string, unknown>> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw malformedImage(`${shown} is malformed`);
  return Object.fromEntries(Object.entries(value));
}

/** The error for an image that breaks its own rules. */
export function malformedImage(why: string): PortkitError {
  return new PortkitError('PK3212', `The image is refused: ${why}`);
}
