import { existsSync, readFileSync, statSync } from 'node:fs';
import { PortkitError } from '../../base/errors.ts';
import { systemReason } from '../../base/system-reason.ts';
import { cached } from '../../oci/cache/cache.ts';
import { copy } from '../../oci/copy/copy.ts';
import type { CopyFrom } from '../../oci/copy/copy.ts';
import { observedTarget } from '../../oci/copy/observed.ts';
import { families, familyOfReference, isFamily } from '../../oci/model/families.ts';
import type { Family } from '../../oci/model/families.ts';
import { parseReference, showReference } from '../../oci/model/reference.ts';
import type { Reference } from '../../oci/model/reference.ts';
import { hasScheme, parsePlace } from '../../oci/place/place.ts';
import { checkKind, parseConfig } from '../../oci/typed/config.ts';
import { pushTyped } from '../../oci/typed/pack.ts';
import { openStoreAt } from '../../wiring.ts';
import type { Command, Invocation } from '../command.ts';
import { storeOptions, storeRoot } from '../context.ts';
import { contentOf } from '../oci/content.ts';
import { takeInput } from '../oci/input.ts';
import { openPlaces, registryOptions, registryStatuses } from '../oci/open.ts';
import type { Opener } from '../oci/open.ts';
import { watchCopy } from '../oci/transfers.ts';
import { twoWords } from '../oci/words.ts';
import { flag, textOption } from '../values.ts';

/** `portkit push`: a typed artifact, a layout, or an image that was pulled, to a registry. */
export const push: Command = {
  usage: 'push SOURCE REF [--family NAME] [--content DIR|FILE] [OPTION…]',
  about: [
    'SOURCE is the configuration of an artifact (a file in YAML or JSON, or -), oci:DIR[:TAG], oci-archive:FILE[:TAG], or the name',
    'of an image that was pulled. The family of an artifact is told by REF (…/agents/NAME, …/filesets/NAME) or --family.',
    `Families: ${families.join(', ')}.`,
    registryStatuses,
  ].join('\n'),
  words: 2,
  options: {
    family: { type: 'string', value: 'NAME', help: 'what a configuration is, when REF does not tell' },
    content: { type: 'string', value: 'PATH', help: 'a directory or file that goes with a configuration, as one gzip tar' },
    referrers: { type: 'boolean', help: 'also what refers to it: signatures, SBOMs, provenance' },
    quiet: { type: 'boolean', short: 'q', help: 'show no progress' },
    ...storeOptions,
    ...registryOptions,
  },
  async run(invocation) {
    const [from, to] = twoWords('push SOURCE REF', invocation.words);
    const reference = referenceTo(to);
    if (reference.digest !== undefined) throw new PortkitError('PK4005', 'What is pushed gets a tag, not a digest');
    await using places = await openPlaces(invocation);
    const isFile = from === '-' || (!hasScheme(from) && statSync(from, { throwIfNoEntry: false })?.isFile() === true);
    return await (isFile ? pushFile : pushCopy)(from, reference, { invocation, places });
  },
};

interface Pushing {
  readonly invocation: Invocation;
  readonly places: Opener;
}

async function pushFile(file: string, reference: Reference, { invocation, places }: Pushing): Promise<number> {
  const { options, signal, print } = invocation;
  const family = familyOf(textOption(options, 'family'), reference);
  const config = await parseConfig(file === '-' ? await fromInput(signal) : readSmall(file), file);
  checkKind(config, family, file);
  const path = textOption(options, 'content');
  using content = path === undefined ? undefined : await contentOf(path, signal);
  const { target, name = 'latest' } = await places.target({ kind: 'registry', reference });
  using watch = watchCopy(invocation);
  const typed = { family, config, ...(content && { content }) };
  const { descriptor, configBytes } = await pushTyped(typed, observedTarget(target, watch.onEvent), signal);
  await target.tag(descriptor, name, signal);
  const { digest } = descriptor;
  const pushed = { ...reference, tag: name, digest };
  if (flag(options, 'json')) {
    const layers = content === undefined ? [] : [content.descriptor];
    print(JSON.stringify({ version: 1, reference: showReference(pushed), family, digest, configBytes, layers }, null, 2));
  } else print(`${showReference(pushed)}: ${configBytes} bytes${content === undefined ? '' : ' + 1 layer'}`);
  return 0;
}

async function pushCopy(from: string, reference: Reference, { invocation, places }: Pushing): Promise<number> {
  const { options, signal, print } = invocation;
  for (const name of ['family', 'content']) {
    if (options[name] === undefined) continue;
    throw new PortkitError('PK1001', `--${name} belongs to the configuration of an artifact, and ${from} is no file`);
  }
  const { target, name = 'latest' } = await places.target({ kind: 'registry', reference });
  const send = async (source: CopyFrom): Promise<number> => {
    using watch = watchCopy(invocation);
    const root = await copy(source, { target, name }, { signal, referrers: flag(options, 'referrers'), onEvent: watch.onEvent });
    const pushed = showReference({ ...reference, tag: name, digest: root.digest });
    print(flag(options, 'json') ? JSON.stringify({ version: 1, reference: pushed, digest: root.digest }, null, 2) : pushed);
    return 0;
  };
  if (hasScheme(from)) return await send(await places.source(parsePlace(from)));
  const image = imageNamed(from);
  await using store = openStoreAt(storeRoot(options['root']));
  using lease = store.lease(`push ${showReference(image)}`);
  const source = cached(image, store, lease);
  if (source !== undefined) return await send(source);
  throw new PortkitError('PK4001', `${showReference(image)} was not pulled`, {
    hint: `Pull it first (portkit pull ${showReference(image)}), or copy it from registry to registry (portkit copy)`,
  });
}

/** Where to; who wrote a file or layout there has the two the wrong way round, or wants to copy. */
function referenceTo(text: string): Reference {
  try {
    return parseReference(text);
  } catch (error) {
    if (!(error instanceof PortkitError) || !(hasScheme(text) || existsSync(text))) throw error;
    throw new PortkitError('PK4005', `${JSON.stringify(text.slice(0, 200))} is no repository of a registry`, {
      hint: hasScheme(text)
        ? 'Into a layout or archive: portkit copy FROM TO'
        : 'The source comes first: portkit push SOURCE REF',
    });
  }
}

function imageNamed(text: string): Reference {
  if (statSync(text, { throwIfNoEntry: false })?.isDirectory() === true) {
    throw new PortkitError('PK3953', `"${text}" is a folder`, {
      hint: `A layout is written oci:${text}; files go with a configuration: portkit push CONFIG.yaml REF --content ${text}`,
    });
  }
  try {
    return parseReference(text);
  } catch (cause) {
    throw new PortkitError('PK3953', `${JSON.stringify(text.slice(0, 200))} is no file, no layout, and no name of an image`, {
      hint: 'A layout is written oci:DIR, an image HOST/PATH:TAG',
      cause,
    });
  }
}

function familyOf(said: string | undefined, reference: Reference): Family {
  if (said !== undefined && !isFamily(said)) {
    throw new PortkitError('PK1004', `--family ${JSON.stringify(said)} is not known`, {
      hint: `It is one of: ${families.join(', ')}`,
    });
  }
  const family = said ?? familyOfReference(reference);
  if (family !== undefined) return family;
  throw new PortkitError('PK1001', `${showReference(reference)} does not tell the family of the artifact`, {
    hint: `Add --family NAME (${families.join(', ')}), or push to a path such as …/filesets/NAME`,
  });
}

async function fromInput(signal: AbortSignal): Promise<Uint8Array> {
  using input = await takeInput('-', signal);
  return Buffer.concat(await Array.fromAsync(input.source.open(signal)));
}

function readSmall(file: string): Uint8Array {
  try {
    return readFileSync(file);
  } catch (cause) {
    throw new PortkitError('PK3953', `${file} cannot be read: ${systemReason(cause)}`, { cause });
  }
}
