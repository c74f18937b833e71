import { PortkitError } from '../../base/errors.ts';
import type { Descriptor } from '../model/descriptor.ts';

const title = 'org.opencontainers.image.title';
const form = /^[A-Za-z0-9_][A-Za-z0-9_.+@=, -]{0,199}$/;
const longest = 1024;

/**
 * The relative path that the file of a layer gets: its title when it has one. A title comes from whoever pushed it, and one
 * that is not made of plain names (absolute, hidden, upward, or with control characters) is refused (PK4002) rather than changed.
 */
export function filePathOf({ annotations, digest }: Descriptor, at: number): string {
  const path = annotations?.[title];
  if (path === undefined) return `layer-${at + 1}-${digest.slice(7, 19)}`;
  if (path.length <= longest && path.split('/').every((name) => form.test(name))) return path;
  throw refusal(`A file of the artifact has the title ${JSON.stringify(path.slice(0, 200))}, which is no plain path`);
}

/** Refuses (PK4002) files that would not all be there in the end: of one name, also where case is no difference, or in one. */
export function checkApart(paths: readonly string[]): void {
  const files = new Set<string>();
  const folders = new Set<string>();
  for (const path of paths.map((one) => one.toLowerCase())) {
    if (files.size === files.add(path).size)
      throw refusal(`Two files of the artifact have the name ${JSON.stringify(path.slice(0, 200))}`);
    for (let end = path.lastIndexOf('/'); end > 0; end = path.lastIndexOf('/', end - 1)) folders.add(path.slice(0, end));
  }
  const both = [...files].find((path) => folders.has(path));
  if (both !== undefined) throw refusal(`The artifact has ${JSON.stringify(both.slice(0, 200))} as a file and as a folder`);
}

function refusal(why: string): PortkitError {
  return new PortkitError('PK4002', why, { hint: 'Nothing was written. "portkit copy" keeps such an artifact as a layout' });
}
