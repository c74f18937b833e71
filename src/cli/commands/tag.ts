import { PortkitError } from '../../base/errors.ts';
import { isTag } from '../../oci/model/reference.ts';
import { parsePlace, showPlace } from '../../oci/place/place.ts';
import type { Place } from '../../oci/place/place.ts';
import type { Command } from '../command.ts';
import { openPlaces, registryOptions, registryStatuses } from '../oci/open.ts';
import { flag } from '../values.ts';

/** `portkit tag`: more names for what is there. */
export const tag: Command = {
  usage: 'tag REF TAG… [--json]',
  about: ['Gives what REF stands for more tags, in the same layout folder or repository.', registryStatuses].join('\n'),
  words: Number.POSITIVE_INFINITY,
  options: { json: { type: 'boolean', help: 'print the result as JSON' }, ...registryOptions },
  async run(invocation) {
    const { words, options, signal, print } = invocation;
    const [reference = '', ...tags] = words;
    if (tags.length === 0) throw new PortkitError('PK1001', 'The form is: portkit tag REF TAG…');
    const wrong = tags.find((one) => !isTag(one));
    if (wrong !== undefined) throw new PortkitError('PK4005', `${JSON.stringify(wrong.slice(0, 150))} can be no tag`);
    const place = parsePlace(reference);
    await using places = await openPlaces(invocation);
    const { target } = await places.target(place);
    const { name } = await places.source(place);
    const found = await target.resolve(name, signal);
    if (found === undefined) throw new PortkitError('PK4001', `${showPlace(place)} is not there`);
    for (const one of tags) {
      await target.tag(found, one, signal);
      if (!flag(options, 'json')) print(`${showPlace(tagged(place, one))}@${found.digest}`);
    }
    if (flag(options, 'json')) {
      const { digest, mediaType, size } = found;
      const references = tags.map((one) => showPlace(tagged(place, one)));
      print(JSON.stringify({ version: 1, reference: showPlace(place), digest, mediaType, size, tags, references }, null, 2));
    }
    return 0;
  },
};

function tagged(place: Place, tag: string): Place {
  if (place.kind !== 'registry') return { ...place, name: tag };
  const { registry, repository } = place.reference;
  return { ...place, reference: { registry, repository, tag } };
}
