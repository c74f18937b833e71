import { createHash } from 'node:crypto';
import type { Hash } from 'node:crypto';
import { PortkitError } from '../../base/errors.ts';

/** A digest as registries write it: of the two algorithms that image-spec registers and everybody computes. */
export type OciDigest = `sha256:${string}` | `sha512:${string}`;

const form = /^(?:sha256:[0-9a-f]{64}|sha512:[0-9a-f]{128})$/;

/** Whether text is a well-formed digest of a known algorithm. */
export function isOciDigest(text: string): text is OciDigest {
  return form.test(text);
}

/** A digest from text that comes from outside; PK1002 when it is none. */
export function parseOciDigest(text: string): OciDigest {
  if (isOciDigest(text)) return text;
  throw new PortkitError('PK1002', `Malformed digest ${JSON.stringify(text.slice(0, 150))}`, {
    hint: 'A digest is "sha256:" and 64, or "sha512:" and 128, lower-case hex digits',
  });
}

/** What computes digests of the same algorithm. */
export function hasherOf(digest: OciDigest): Hash {
  return createHash(digest.slice(0, 6));
}
