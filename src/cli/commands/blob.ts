import { PortkitError } from '../../base/errors.ts';
import { isOciDigest, parseOciDigest } from '../../oci/model/digest.ts';
import { parsePlace, showPlace } from '../../oci/place/place.ts';
import type { Place } from '../../oci/place/place.ts';
import type { Command, Invocation } from '../command.ts';
import { takeInput } from '../oci/input.ts';
import { openPlaces, registryOptions, registryStatuses } from '../oci/open.ts';
import type { Opener } from '../oci/open.ts';
import { giveContent, printPut } from '../oci/raw.ts';
import { oneWord, twoWords } from '../oci/words.ts';
import { chooseVerb } from '../verbs.ts';

interface Verb {
  readonly options: readonly string[];
  run(words: readonly string[], invocation: Invocation, places: Opener): Promise<void>;
}

const verbs: Readonly<Record<string, Verb>> = {
  get: { options: ['output'], run: get },
  put: { options: ['json'], run: put },
};

const mediaType = 'application/octet-stream';

/** `portkit blob …`: blobs as they are. */
export const blob: Command = {
  usage: 'blob get REF@DIGEST [-o FILE] | blob put FILE REF[@DIGEST] [--json]',
  about: [
    'get  the bytes of a digest, as they are. They are verified: what goes to -o FILE is there whole and right, or not at all;',
    '     of standard output, the exit status 7 says that it was not right',
    'put  a file (or - for standard input); one that is there damaged, in a layout folder, is healed',
    '',
    'REF is oci:DIR, oci-archive:FILE or HOST/PATH, without a tag.',
    registryStatuses,
  ].join('\n'),
  words: 3,
  options: {
    output: { type: 'string', short: 'o', value: 'FILE', help: 'get: where to write to (default: standard output)' },
    json: { type: 'boolean', help: 'put: print the result as JSON' },
    ...registryOptions,
  },
  async run(invocation) {
    const verb = chooseVerb({ command: 'blob', verbs, common: Object.keys(registryOptions) }, invocation);
    await using places = await openPlaces(invocation);
    await verb.run(invocation.words.slice(1), invocation, places);
    return 0;
  },
};

async function get(words: readonly string[], invocation: Invocation, places: Opener): Promise<void> {
  const { signal } = invocation;
  const place = parsePlace(oneWord('blob get REF@DIGEST', words));
  const digest = digestIn(place);
  if (digest === undefined)
    throw new PortkitError('PK4005', `${showPlace(place)} has no digest`, { hint: 'Blobs have no other name' });
  const { source } = await places.source(place);
  const size = await source.sizing?.sizeOf(parseOciDigest(digest), signal);
  if (size === undefined) throw new PortkitError('PK4001', `${source.shown} has no blob ${digest}`);
  await giveContent(await source.fetch({ mediaType, digest: parseOciDigest(digest), size }, signal), invocation);
}

async function put(words: readonly string[], invocation: Invocation, places: Opener): Promise<void> {
  const { signal } = invocation;
  const [file, reference] = twoWords('blob put FILE REF', words);
  const place = parsePlace(reference);
  const wanted = digestIn(place);
  using input = await takeInput(file, signal);
  const { digest, size, source } = input;
  if (wanted !== undefined && wanted !== digest) {
    throw new PortkitError('PK4003', `${file} has the digest ${digest}, and not ${wanted}`);
  }
  const { target } = await places.target(place);
  const descriptor = { mediaType, digest, size };
  await target.push(descriptor, source, signal);
  printPut({ descriptor, shown: `${target.shown}@${digest}` }, invocation);
}

/** The digest of a place; a tag is refused, as it names a manifest. */
function digestIn(place: Place): string | undefined {
  const tag = place.kind === 'registry' ? place.reference.tag : isOciDigest(place.name ?? '') ? undefined : place.name;
  if (tag !== undefined) throw new PortkitError('PK4005', `${showPlace(place)} has a tag, and blobs have none`);
  if (place.kind !== 'registry') return place.name;
  return place.reference.digest;
}
