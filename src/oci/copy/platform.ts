import { PortkitError } from '../../base/errors.ts';
import type { Descriptor, Platform } from '../model/descriptor.ts';
import { kindOf } from '../model/media-types.ts';
import { servesPlatform, showPlatform } from '../model/platform.ts';
import type { BlobReader } from '../model/ports.ts';
import { readManifest } from '../model/read.ts';

const deepest = 4;

/** The manifest for a platform that a descriptor leads to, through indexes; one that is no index serves everybody. */
export async function choosePlatform(
  reader: BlobReader,
  { start, platform }: { readonly start: Descriptor; readonly platform: Platform },
  signal: AbortSignal,
): Promise<Descriptor> {
  let found = start;
  for (let depth = 0; depth < deepest; depth += 1) {
    if (kindOf(found.mediaType) !== 'index') return found;
    const manifest = await readManifest(reader, found, signal);
    if (manifest.kind !== 'index') return found;
    const next = manifest.manifests.find((one) => one.platform !== undefined && servesPlatform(one.platform, platform));
    if (next === undefined) {
      const there = manifest.manifests.map((one) => (one.platform === undefined ? 'unknown' : showPlatform(one.platform)));
      throw new PortkitError('PK4001', `${found.digest} has nothing for ${showPlatform(platform)}`, {
        hint: `It has: ${there.slice(0, 20).join(', ')}`,
      });
    }
    found = next;
  }
  throw new PortkitError('PK4002', `The indexes of ${start.digest} are too deep`);
}
