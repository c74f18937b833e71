import { parseDigest } from '../../base/digest.ts';
import type { Digest } from '../../base/digest.ts';
import { PortkitError } from '../../base/errors.ts';
import type { ImageSpec } from '../../graph/source-ops.ts';
import { parsePlatform } from '../../oci/model/platform.ts';
import type { Source } from '../../oci/model/ports.ts';
import { nameOf, parseReference } from '../../oci/model/reference.ts';
import type { Reference } from '../../oci/model/reference.ts';
import type { Pins } from '../fetch.ts';
import { resolveInside } from '../inside.ts';
import type { Bounds } from '../inside.ts';
import { layoutBlobs, pickManifest, readLayoutIndex } from './layout.ts';
import type { ImageBlobs } from './layout.ts';
import { pinnedDigest } from './pin.ts';
import { repositoryBlobs } from './repository.ts';

/** What finding an image takes. */
export interface OriginWorld extends Bounds {
  /** What is taken of an image for several: `os/architecture`. */
  readonly platform: string;
  /** The lock; an image of a registry is named there as `image:HOST/PATH:TAG`. */
  readonly pin?: Pins;
  /** A repository of a registry, to be read. */
  openRepository(reference: Reference, transport: ImageSpec['transport']): Promise<Source>;
}

/** Where an image is. */
export interface Origin {
  readonly blobs: ImageBlobs;
  /** The digest that the image is pinned to, or is called by today. */
  readonly start: () => Promise<Digest>;
  /** Whether it may be used: an image of a registry only when it is pinned. */
  readonly pinned: boolean;
}

/** Where a step says that its image is. */
export async function originOf(spec: ImageSpec, world: OriginWorld, signal: AbortSignal): Promise<Origin> {
  const pinned = pinnedDigest(spec, world.pin);
  const { layout, reference } = spec;
  if (layout === undefined) {
    const parsed = parseReference(reference);
    const source = await world.openRepository(parsed, spec.transport);
    const start = async () => pinned ?? resolve(source, nameOf(parsed), signal);
    return { blobs: repositoryBlobs(source, signal), start, pinned: pinned !== undefined };
  }
  const directory = await resolveInside(layout, world);
  const start = async (): Promise<Digest> => {
    if (pinned !== undefined) return pinned;
    const entries = await readLayoutIndex(directory);
    return parseDigest(pickManifest(entries, { reference, platform: parsePlatform(world.platform) }).digest);
  };
  return { blobs: layoutBlobs(directory), start, pinned: true };
}

async function resolve(source: Source, name: string, signal: AbortSignal): Promise<Digest> {
  const found = await source.resolve(name, signal);
  if (found === undefined) throw new PortkitError('PK4001', `${source.shown} has no ${name}`);
  return parseDigest(found.digest);
}
