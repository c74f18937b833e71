import { PortkitError } from '../../base/errors.ts';
import type { Annotations, Descriptor, Platform } from './descriptor.ts';
import { isOciDigest } from './digest.ts';
import { isMediaType } from './media-types.ts';

/** As many entries as one document may list. */
const most = 10_000;

/** The error for a document that breaks its rules. */
export function malformed(shown: string, why: string): PortkitError {
  return new PortkitError('PK4002', `${shown} is malformed: ${why}`);
}

/** A JSON object. */
export function record(value: unknown, shown: string): Readonly<Record<string, unknown>> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw malformed(shown, 'it has no object where one must be');
  }
  return Object.fromEntries(Object.entries(value));
}

/** A JSON array that is not endless. */
export function list(value: unknown, shown: string): readonly unknown[] {
  if (!Array.isArray(value)) throw malformed(shown, 'it has no list where one must be');
  if (value.length > most) throw malformed(shown, `it has a list of more than ${most} entries`);
  return value;
}

/** A descriptor (image-spec, descriptor.md); what else it has is passed over. */
export function descriptorOf(value: unknown, shown: string): Descriptor {
  const { mediaType, digest, size, artifactType, annotations, platform } = record(value, shown);
  if (typeof mediaType !== 'string' || !isMediaType(mediaType)) throw malformed(shown, 'a descriptor has no media type');
  if (typeof digest !== 'string' || !isOciDigest(digest)) {
    throw malformed(shown, 'a digest is malformed, or neither sha256 nor sha512');
  }
  if (typeof size !== 'number' || !Number.isSafeInteger(size) || size < 0) {
    throw malformed(shown, `the size of ${digest} is none`);
  }
  const type = typeof artifactType === 'string' && artifactType !== '' ? artifactType : undefined;
  if (type !== undefined && !isMediaType(type)) throw malformed(shown, `the artifact type of ${digest} is no media type`);
  return {
    mediaType,
    digest,
    size,
    ...(type === undefined ? {} : { artifactType: type }),
    ...(annotations === undefined || annotations === null ? {} : { annotations: annotationsOf(annotations, shown) }),
    ...(platform === undefined || platform === null ? {} : { platform: platformOf(record(platform, shown), shown) }),
  };
}

/** Text by name. */
export function annotationsOf(value: unknown, shown: string): Annotations {
  if (value === undefined || value === null) return {};
  const entries: [string, string][] = [];
  for (const [name, text] of Object.entries(record(value, shown))) {
    if (typeof text !== 'string') throw malformed(shown, 'the value of an annotation is no text');
    entries.push([name, text]);
  }
  return Object.fromEntries(entries.toSorted(byName));
}

/** The order of names in a document: by UTF-16 code units, the same everywhere. */
export function byName([a]: readonly [string, unknown], [b]: readonly [string, unknown]): number {
  return a < b ? -1 : 1;
}

/** The platform that an index gives to a manifest, or that the config of an image says. */
export function platformOf(value: Readonly<Record<string, unknown>>, shown: string): Platform {
  const { os, architecture, variant, 'os.version': version, 'os.features': features } = value;
  if (typeof os !== 'string' || typeof architecture !== 'string') {
    throw malformed(shown, 'a platform has no operating system or architecture');
  }
  return {
    os,
    architecture,
    ...(typeof variant === 'string' && variant !== '' ? { variant } : {}),
    ...(typeof version === 'string' && version !== '' ? { 'os.version': version } : {}),
    ...(Array.isArray(features) ? { 'os.features': features.filter((one) => typeof one === 'string') } : {}),
  };
}
