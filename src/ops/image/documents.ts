import { isDigest } from '../../base/digest.ts';
import type { Digest } from '../../base/digest.ts';
import { PortkitError } from '../../base/errors.ts';
import type { Platform } from '../../oci/model/descriptor.ts';
import { platformOf, record } from '../../oci/model/fields.ts';
import { parseManifest, strictJson } from '../../oci/model/manifest.ts';
import type { Manifest } from '../../oci/model/manifest.ts';
import { mediaTypes } from '../../oci/model/media-types.ts';

/** What of an image's config decides its file system. */
export interface ImageConfig {
  readonly platform: Platform;
  readonly diffIds: readonly Digest[];
}

const configTypes: readonly string[] = [mediaTypes.imageConfig, mediaTypes.dockerConfig];
const most = 10_000;

/** An index, or the manifest of an image; other artifacts are refused. */
export function parseDocument(bytes: Uint8Array, shown: string): Manifest {
  const manifest = ofImage(() => parseManifest(bytes, { shown }));
  if (manifest.kind === 'index' || configTypes.includes(manifest.config.mediaType)) return manifest;
  throw malformedImage(`${shown} is no image: its config is of the type ${JSON.stringify(manifest.config.mediaType)}`);
}

/** The config of an image. */
export function parseConfig(bytes: Uint8Array, shown: string): ImageConfig {
  return ofImage(() => {
    const value = record(strictJson(bytes, shown), shown);
    const { type, diff_ids: diffIds } = record(value['rootfs'], shown);
    if (type !== 'layers' || !Array.isArray(diffIds) || diffIds.length > most) {
      throw malformedImage(`${shown} does not say what its layers are`);
    }
    return { platform: platformOf(value, shown), diffIds: diffIds.map((id) => sha256Of(id, shown)) };
  });
}

/** A digest of the one kind that the blobs of images have here. */
export function sha256Of(value: unknown, shown: string): Digest {
  if (typeof value === 'string' && isDigest(value)) return value;
  throw malformedImage(`${shown} holds a digest that is malformed or of another kind than sha256`);
}

/** Does work on a document; what is malformed in it is so in an image. */
export function ofImage<T>(work: () => T): T {
  try {
    return work();
  } catch (error) {
    if (!(error instanceof PortkitError) || !error.code.startsWith('PK40')) throw error;
    throw error.cause instanceof PortkitError ? error.cause : malformedImage(error.message);
  }
}

/** The error for an image that breaks its own rules. */
export function malformedImage(why: string): PortkitError {
  return new PortkitError('PK3212', `The image is refused: ${why}`);
}
