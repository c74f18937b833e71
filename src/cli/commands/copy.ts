import { dirname, resolve } from 'node:path';
import { onFile } from '../../artifacts/copies/failure.ts';
import { makeWork } from '../../artifacts/copies/work.ts';
import { copy as copyGraph } from '../../oci/copy/copy.ts';
import type { CopyFrom, CopyTo } from '../../oci/copy/copy.ts';
import { folderTarget } from '../../oci/layout/folder.ts';
import { writeArchive } from '../../oci/layout/write-archive.ts';
import type { Descriptor } from '../../oci/model/descriptor.ts';
import { isOciDigest } from '../../oci/model/digest.ts';
import { parsePlatform } from '../../oci/model/platform.ts';
import { parsePlace, showPlace } from '../../oci/place/place.ts';
import type { Place } from '../../oci/place/place.ts';
import type { Command, Invocation } from '../command.ts';
import { bothRegistryOptions, openPlaces, registryStatuses } from '../oci/open.ts';
import { trusted, trustOptions } from '../oci/trust.ts';
import { twoWords } from '../oci/words.ts';
import { watchCopy } from '../oci/transfers.ts';
import { countOption, flag, textOption } from '../values.ts';
import { writeWholeFile } from '../write-file.ts';

/** `portkit copy`: an artifact or image from one place to another, byte for byte. */
export const copy: Command = {
  usage: 'copy FROM TO [--referrers] [--platform P] [OPTION…]',
  about: [
    'Copies what a name stands for, with everything below it. Nothing is made anew: digests stay what they are.',
    'FROM and TO are oci:DIR[:TAG] (a layout folder), oci-archive:FILE[:TAG] (a layout in a tar), or HOST/PATH[:TAG][@DIGEST].',
    'What is there already is not sent. The tag is set at the very end.',
    registryStatuses,
  ].join('\n'),
  words: 2,
  options: {
    referrers: { type: 'boolean', help: 'also what refers to it: signatures, SBOMs, provenance' },
    platform: { type: 'string', value: 'OS/ARCH', help: 'of an index, only what is for this platform' },
    verify: { type: 'boolean', help: 'read what is there already, and bring anew what is damaged' },
    jobs: { type: 'string', short: 'j', value: 'N', help: 'blobs that are moved at once (4 when it is not said)' },
    quiet: { type: 'boolean', short: 'q', help: 'show no progress' },
    json: { type: 'boolean', help: 'print the result as JSON' },
    ...trustOptions,
    ...bothRegistryOptions,
  },
  run,
};

async function run(invocation: Invocation): Promise<number> {
  const { options, print } = invocation;
  const [from, to] = twoWords('copy FROM TO', invocation.words).map(parsePlace) as [Place, Place];
  await using places = await openPlaces(invocation);
  const found = await places.source(from);
  const tagged = withName(to, found.name);
  const source = await trusted(found, invocation);
  const root =
    tagged.kind === 'archive'
      ? await intoArchive({ source, file: resolve(tagged.path), name: tagged.name }, invocation)
      : await copyTo(source, await places.target(tagged, mountable(from, to)), invocation);
  if (flag(options, 'json')) {
    const { digest, mediaType, size } = root;
    print(JSON.stringify({ version: 1, from: showPlace(from), to: showPlace(tagged), digest, mediaType, size }, null, 2));
  } else print(`${showPlace(tagged)}${showPlace(tagged).includes('@') ? '' : `@${root.digest}`}`);
  return 0;
}

/** A layout gets the tag that the source has, when none is said. */
function withName(place: Place, name: string): Place {
  if (place.kind === 'registry' || place.name !== undefined || isOciDigest(name)) return place;
  return { ...place, name };
}

function mountable(from: Place, to: Place): { readonly mountFrom?: string } {
  if (from.kind !== 'registry' || to.kind !== 'registry') return {};
  const same = from.reference.registry === to.reference.registry && from.reference.repository !== to.reference.repository;
  return same ? { mountFrom: from.reference.repository } : {};
}

async function copyTo(
  source: CopyFrom,
  to: CopyTo & { readonly mountFrom?: string },
  invocation: Pick<Invocation, 'options' | 'signal'>,
): Promise<Descriptor> {
  const { options, signal } = invocation;
  const platform = textOption(options, 'platform');
  const concurrency = countOption(options, 'jobs');
  using watch = watchCopy(invocation);
  return await copyGraph(source, to, {
    signal,
    referrers: flag(options, 'referrers'),
    verify: flag(options, 'verify'),
    onEvent: watch.onEvent,
    ...(platform !== undefined && { platform: parsePlatform(platform) }),
    ...(concurrency !== undefined && { concurrency }),
    ...(to.mountFrom !== undefined && { mountFrom: to.mountFrom }),
  });
}

interface IntoArchive {
  readonly source: CopyFrom;
  readonly file: string;
  readonly name: string | undefined;
}

/** By way of a folder beside the file, which is gone afterwards: what is in a tar cannot be found again while it is written. */
async function intoArchive({ source, file, name }: IntoArchive, invocation: Invocation): Promise<Descriptor> {
  using work = await onFile('write', file, () => makeWork(dirname(file)));
  const layout = folderTarget(work.path);
  const root = await copyTo(source, { target: layout, ...(name !== undefined && { name }) }, invocation);
  const roots = await layout.roots(invocation.signal);
  await writeWholeFile(file, writeArchive({ source: layout, roots }, invocation.signal));
  return root;
}
