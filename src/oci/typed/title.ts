import { PortkitError } from '../../base/errors.ts';
import type { Descriptor } from '../model/descriptor.ts';

const title = 'org.opencontainers.image.title';
const form = /^[A-Za-z0-9_][A-Za-z0-9_.+@=, -]{0,199}$/;

/**
 * The name that the file of a layer gets: its title when it has one. A title comes from whoever pushed it, and one that is
 * no plain name (a path, or with control characters) is refused (PK4002) rather than changed.
 */
export function fileNameOf({ annotations, digest }: Descriptor, at: number): string {
  const name = annotations?.[title];
  if (name === undefined) return `layer-${at + 1}-${digest.slice(7, 19)}`;
  if (form.test(name)) return name;
  throw new PortkitError(
    'PK4002',
    `A file of the artifact has the title ${JSON.stringify(name.slice(0, 200))}, which is no plain name`,
    {
      hint: 'Nothing was written. "portkit copy" keeps such an artifact as a layout',
    },
  );
}
