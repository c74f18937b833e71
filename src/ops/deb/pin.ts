import { digestFromHex, isDigest } from '../../base/digest.ts';
import type { Digest } from '../../base/digest.ts';
import { PortkitError } from '../../base/errors.ts';

/** What the lock calls a package of an architecture. */
export function pinName({ name, version }: { readonly name: string; readonly version?: string }, architecture: string): string {
  return `deb:${name}${version === undefined ? '' : `=${version}`}:${architecture}`;
}

/** The digest of a package as a definition pins it: hex digits, with or without the algorithm. */
export function pinOf(sha256: string): Digest {
  const hex = sha256.startsWith('sha256:') ? sha256.slice('sha256:'.length) : sha256;
  if (isDigest(`sha256:${hex}`)) return digestFromHex(hex);
  throw new PortkitError('PK1002', `Malformed digest ${JSON.stringify(sha256.slice(0, 160))}`, {
    hint: 'Write 64 lower-case hex digits',
  });
}
