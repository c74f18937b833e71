import { PortkitError } from '../../base/errors.ts';
import { parseOciDigest } from '../../oci/model/digest.ts';
import type { Descriptor } from '../../oci/model/descriptor.ts';
import type { Source } from '../../oci/model/ports.ts';
import type { ImageBlobs, WantedBlob } from './layout.ts';

/** The blobs of a repository of a registry; who gives them verifies them. */
export function repositoryBlobs(source: Source, signal: AbortSignal): ImageBlobs {
  return {
    async *open(blob) {
      yield* await source.fetch(await describe(blob, source, signal), signal);
    },
  };
}

async function describe({ digest, size, mediaType }: WantedBlob, source: Source, signal: AbortSignal): Promise<Descriptor> {
  const known = parseOciDigest(digest);
  if (size !== undefined && mediaType !== undefined) return { digest: known, size, mediaType };
  const found = await source.resolve(known, signal);
  if (found === undefined) throw new PortkitError('PK4001', `${source.shown} has no ${known}`);
  return found;
}
