import { PortkitError } from '../../base/errors.ts';
import { printable } from '../../base/printable.ts';
import { openArchive } from '../../oci/layout/archive.ts';
import { folderSource } from '../../oci/layout/folder.ts';
import { parsePlace, showPlace } from '../../oci/place/place.ts';
import type { Place } from '../../oci/place/place.ts';
import type { Command, Invocation } from '../command.ts';
import { openPlaces, registryOptions, registryStatuses } from '../oci/open.ts';
import { oneWord } from '../oci/words.ts';
import { flag } from '../values.ts';

/** `portkit tags`: what can be named somewhere. */
export const tags: Command = {
  usage: 'tags PLACE [--json]',
  about: [
    'The tags of a repository (HOST/PATH), of a layout (oci:DIR) or of an archive (oci-archive:FILE), sorted.',
    registryStatuses,
  ].join('\n'),
  words: 1,
  options: { json: { type: 'boolean', help: 'print the result as JSON' }, ...registryOptions },
  async run(invocation) {
    const { words, options, print } = invocation;
    const place = parsePlace(oneWord('tags PLACE', words));
    if (isNamed(place)) {
      throw new PortkitError('PK4005', `${showPlace(place)} is one thing, and tags are those of a whole place`, {
        hint: 'Leave out the tag and digest',
      });
    }
    const found = (await tagsOf(place, invocation)).toSorted((a, b) => (a < b ? -1 : 1));
    if (flag(options, 'json')) print(JSON.stringify({ version: 1, place: showPlace(place), tags: found }, null, 2));
    else if (found.length > 0) print(found.map(printable).join('\n'));
    return 0;
  },
};

async function tagsOf(place: Place, invocation: Invocation): Promise<readonly string[]> {
  const { signal } = invocation;
  if (place.kind === 'layout') return await Array.fromAsync(folderSource(place.path).tags(signal));
  if (place.kind === 'archive') {
    await using archive = await openArchive(place.path, signal);
    return await Array.fromAsync(archive.tags(signal));
  }
  await using places = await openPlaces(invocation);
  const { source } = await places.source(place);
  return await Array.fromAsync(source.tags(signal));
}

function isNamed(place: Place): boolean {
  if (place.kind !== 'registry') return place.name !== undefined;
  return place.reference.tag !== undefined || place.reference.digest !== undefined;
}
