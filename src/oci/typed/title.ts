import { PortkitError } from '../../base/errors.ts';
import type { Descriptor } from '../model/descriptor.ts';

const title = 'org.opencontainers.image.title';
const form = /^[A-Za-z0-9_][A-Za-z0-9_.+@=, -]{0,199}$/;

/**
 * The name that the file of a layer gets: its title when it has one. A title comes from whoever pushed it, and one that is
 * no plain name (a path, or with control characters) is refused (PK4002) rather than changed. Without a title, the media type
 * says whether it is a tar.
 */
export function fileNameOf({ annotations, digest, mediaType }: Descriptor, at: number): string {
  const name = annotations?.[title];
  if (name === undefined) return `layer-${at + 1}-${digest.slice(7, 19)}${endingOf(mediaType)}`;
  if (form.test(name)) return name;
  throw new PortkitError(
    'PK4002',
    `A file of the artifact has the title ${JSON.stringify(name.slice(0, 200))}, which is no plain name`,
    {
      hint: 'Nothing was written. "portkit copy" keeps such an artifact as a layout',
    },
  );
}

function endingOf(mediaType: string): string {
  const [, compression] = /\.tar(?:[+.](gzip|zstd))?$/.exec(mediaType) ?? [];
  if (compression !== undefined) return compression === 'gzip' ? '.tar.gz' : '.tar.zst';
  return mediaType.endsWith('.tar') ? '.tar' : '';
}
