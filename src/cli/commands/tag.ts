import { PortkitError } from '../../base/errors.ts';
import { isTag } from '../../oci/model/reference.ts';
import { notThere } from '../../oci/place/not-there.ts';
import { parsePlace } from '../../oci/place/place.ts';
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
    if (wrong !== undefined) throw wrongTag(wrong);
    const place = parsePlace(reference);
    await using places = await openPlaces(invocation);
    const { target } = await places.target(place);
    const name =
      place.kind === 'registry' ? (await places.source(place)).name : (place.name ?? (await places.source(place)).name);
    const found = await target.resolve(name, signal);
    if (found === undefined) throw notThere(place);
    for (const one of tags) {
      await target.tag(found, one, signal);
      print(`${target.shown}:${one}@${found.digest}`);
    }
    return 0;
  },
};

function wrongTag(text: string): PortkitError {
  const last = text.slice(text.lastIndexOf(':') + 1);
  const isReference = text.includes('/') && isTag(last);
  return new PortkitError('PK4005', `${JSON.stringify(text.slice(0, 150))} can be no tag`, {
    hint: isReference
      ? `Tags are in the same repository: write ${last} alone, or "portkit copy" to another one`
      : 'A tag has letters, digits, ".", "_" and "-", 128 at most, and begins with no "." or "-"',
  });
}
