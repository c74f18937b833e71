import { PortkitError } from '../../base/errors.ts';
import type { Descriptor } from '../../oci/model/descriptor.ts';
import { isOciDigest } from '../../oci/model/digest.ts';
import { documentLimit, parseManifest, tooLarge } from '../../oci/model/manifest.ts';
import type { Manifest } from '../../oci/model/manifest.ts';
import type { Target } from '../../oci/model/ports.ts';
import { bytesSource, readDocument } from '../../oci/model/read.ts';
import { successors } from '../../oci/model/successors.ts';
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
  delete: { options: [], run: remove },
};

/** `portkit manifest …`: manifests and indexes as they are. */
export const manifest: Command = {
  usage: 'manifest get REF [-o FILE] | manifest put FILE REF [--json] | manifest delete REF',
  about: [
    'get     the bytes that REF stands for, as they are: their digest is that of the manifest',
    'put     a file (or - for standard input) as it is; its type is the one that it says. What it names must be there already',
    'delete  a tag, or the manifest of a digest with all of its tags',
    '',
    'REF is oci:DIR[:TAG][@DIGEST], oci-archive:FILE[:TAG] or HOST/PATH[:TAG][@DIGEST].',
    registryStatuses,
  ].join('\n'),
  words: 3,
  options: {
    output: { type: 'string', short: 'o', value: 'FILE', help: 'get: where to write to (default: standard output)' },
    json: { type: 'boolean', help: 'put: print the result as JSON' },
    ...registryOptions,
  },
  async run(invocation) {
    const verb = chooseVerb({ command: 'manifest', verbs, common: Object.keys(registryOptions) }, invocation);
    await using places = await openPlaces(invocation);
    await verb.run(invocation.words.slice(1), invocation, places);
    return 0;
  },
};

async function get(words: readonly string[], invocation: Invocation, places: Opener): Promise<void> {
  const { signal } = invocation;
  const place = parsePlace(oneWord('manifest get REF', words));
  const { source, name } = await places.source(place);
  const found = await source.resolve(name, signal);
  if (found === undefined) throw missing(place);
  await giveContent(bytesSource(await readDocument(source, found, signal)).open(signal), invocation);
}

async function put(words: readonly string[], invocation: Invocation, places: Opener): Promise<void> {
  const { signal } = invocation;
  const [file, reference] = twoWords('manifest put FILE REF', words);
  const place = parsePlace(reference);
  using input = await takeInput(file, signal);
  const { digest, size, source } = input;
  if (size > documentLimit) throw tooLarge(file);
  const raw = Buffer.concat(await Array.fromAsync(source.open(signal)));
  const parsed = parseManifest(raw, { shown: file });
  const descriptor = { mediaType: parsed.mediaType, digest, size };
  const { target } = await places.target(place);
  const name = explicitName(place);
  if (name !== undefined && isOciDigest(name) && name !== digest) {
    throw new PortkitError('PK4003', `${file} has the digest ${digest}, and not ${name}`);
  }
  await requireChildren(parsed, target, signal);
  await target.push(descriptor, source, signal);
  const tag = name === undefined || isOciDigest(name) ? undefined : name;
  if (tag !== undefined) await target.tag(descriptor, tag, signal);
  printPut({ descriptor, shown: `${target.shown}${tag === undefined ? '' : `:${tag}`}@${digest}` }, invocation);
}

/** Not every registry looks whether they are there. */
async function requireChildren(parsed: Manifest, target: Target, signal: AbortSignal): Promise<void> {
  for (const child of successors(parsed)) {
    if (await target.exists(child, signal)) continue;
    throw new PortkitError('PK4001', `The manifest names ${child.digest} (${child.size} bytes), which ${target.shown} has not`, {
      hint: 'Put it there first: portkit blob put, or portkit copy',
    });
  }
}

async function remove(words: readonly string[], { signal, print }: Invocation, places: Opener): Promise<void> {
  const place = parsePlace(oneWord('manifest delete REF', words));
  const name = explicitName(place);
  if (name === undefined) {
    throw new PortkitError('PK4005', `${showPlace(place)} has neither a tag nor a digest`, {
      hint: 'Say what is to be deleted',
    });
  }
  const { target } = await places.target(place);
  await places.source(place);
  const found = await target.resolve(name, signal);
  if (found === undefined || (await target.deleting?.delete(name, signal)) !== true) throw missing(place);
  print(`Deleted ${shownAs(target, name, found)}`);
}

function explicitName(place: Place): string | undefined {
  return place.kind === 'registry' ? (place.reference.digest ?? place.reference.tag) : place.name;
}

function shownAs({ shown }: Target, name: string, { digest }: Descriptor): string {
  return isOciDigest(name) ? `${shown}@${digest}` : `${shown}:${name} (it was ${digest})`;
}

function missing(place: Place): PortkitError {
  return new PortkitError('PK4001', `${showPlace(place)} is not there`);
}
