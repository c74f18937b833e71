import { PortkitError } from '../../base/errors.ts';
import { isTag } from '../../oci/model/reference.ts';
import { parsePlace, showPlace } from '../../oci/place/place.ts';
import type { Command } from '../command.ts';
import { openPlaces, registryOptions } from '../oci/open.ts';

/** `portkit tag`: more names for what is there. */
export const tag: Command = {
  usage: 'tag REF TAG…',
  about: 'Gives what REF stands for more tags, in the same layout folder or repository.',
  words: Number.POSITIVE_INFINITY,
  options: registryOptions,
  async run(invocation) {
    const { words, signal, print } = invocation;
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
      print(`${target.shown}:${one}@${found.digest}`);
    }
    return 0;
  },
};
