import { isDigest, parseDigest } from '../../base/digest.ts';
import type { Digest } from '../../base/digest.ts';
import { PortkitError } from '../../base/errors.ts';
import type { ImageSpec } from '../../graph/source-ops.ts';
import { parseReference } from '../../oci/model/reference.ts';
import type { Pins } from '../fetch.ts';

/** The name of an image of a registry in the lock. */
export function pinNameOf({ reference }: Pick<ImageSpec, 'reference'>): string {
  const { registry, repository, tag = 'latest' } = parseReference(reference);
  return `image:${registry}/${repository}:${tag}`;
}

/** The digest that an image is pinned to, by the definition or the lock; nothing is looked at. */
export function pinnedDigest(spec: ImageSpec, pin: Pick<Pins, 'get'> | undefined): Digest | undefined {
  const said = spec.digest === undefined ? undefined : parseDigest(spec.digest);
  if (spec.layout !== undefined) return said;
  const { digest } = parseReference(spec.reference);
  if (digest !== undefined && !isDigest(digest)) {
    throw new PortkitError('PK1002', `The image is pinned by ${digest}`, { hint: 'Images are pinned by sha256' });
  }
  if (said !== undefined && digest !== undefined && digest !== said) {
    throw new PortkitError('PK4005', `The reference names ${digest}, and the digest beside it is ${said}`);
  }
  return said ?? digest ?? pin?.get(pinNameOf(spec));
}
