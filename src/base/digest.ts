import { hash } from 'node:crypto';
import { PortkitError } from './errors.ts';

declare const digestBrand: unique symbol;

/** The SHA-256 of some bytes, written `sha256:` and 64 lower-case hex digits. */
export type Digest = string & { readonly [digestBrand]: true };

const form = /^sha256:[0-9a-f]{64}$/;

/** A digest from text that comes from outside; anything else than the one spelling is refused. */
export function parseDigest(text: string): Digest {
  if (!isDigest(text)) {
    throw new PortkitError('PK1002', `Malformed digest ${JSON.stringify(text.slice(0, 100))}`, {
      hint: 'A digest is "sha256:" followed by 64 lower-case hex digits',
    });
  }
  return text;
}

/** Whether text is a well-formed digest. */
export function isDigest(text: string): text is Digest {
  return form.test(text);
}

/** The digest of bytes in memory. */
export function digestOf(bytes: Uint8Array | string): Digest {
  return digestFromHex(hash('sha256', bytes, 'hex'));
}

/** The digest whose 64 hex digits are known to be well-formed (from a hash, a checked name or a blob column). */
export function digestFromHex(hex: string): Digest {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the one place where the brand is given
  return `sha256:${hex}` as Digest;
}

/** The 64 hex digits of a digest: its file name and its key in the index. */
export function hexOf(digest: Digest): string {
  return digest.slice(7);
}
