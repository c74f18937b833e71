import { PortkitError } from '../../base/errors.ts';
import { printable, printableJson } from '../../base/printable.ts';
import { showSize } from '../../base/units.ts';
import type { Descriptor } from '../../oci/model/descriptor.ts';
import type { Source } from '../../oci/model/ports.ts';
import { parsePlace, showPlace } from '../../oci/place/place.ts';
import type { Command } from '../command.ts';
import { openPlaces, registryOptions, registryStatuses } from '../oci/open.ts';
import { oneWord } from '../oci/words.ts';
import { flag, textOption } from '../values.ts';

/** As deep as signatures of attestations of signatures go. */
const deepest = 8;
/** More than this refers to nothing that was made for a good reason. */
const most = 1000;

interface Found {
  readonly descriptor: Descriptor;
  readonly referrers: readonly Found[];
}

/** `portkit referrers`: what refers to an artifact. */
export const referrers: Command = {
  usage: 'referrers REF [--artifact-type TYPE] [--json]',
  about: ['What has REF as its subject: signatures, SBOMs, provenance; and what refers to these in turn.', registryStatuses].join(
    '\n',
  ),
  words: 1,
  options: {
    'artifact-type': { type: 'string', value: 'TYPE', help: 'only those of this type' },
    json: { type: 'boolean', help: 'print the result as JSON' },
    ...registryOptions,
  },
  async run(invocation) {
    const { words, options, signal, print } = invocation;
    const place = parsePlace(oneWord('referrers REF', words));
    await using places = await openPlaces(invocation);
    const { source, name } = await places.source(place);
    const root = await source.resolve(name, signal);
    if (root === undefined) throw new PortkitError('PK4001', `${showPlace(place)} is not there`);
    const type = textOption(options, 'artifact-type');
    const seen = new Set<string>([root.digest]);
    const all = await referring({ source, seen, depth: 0 }, root, signal);
    const found = type === undefined ? all : all.filter(({ descriptor }) => descriptor.artifactType === type);
    if (flag(options, 'json')) print(printableJson({ version: 1, subject: root, referrers: found }));
    else print([`${showPlace(place)}  ${root.digest}`, ...lines(found, '')].join('\n'));
    return 0;
  },
};

interface Search {
  readonly source: Source;
  readonly seen: Set<string>;
  readonly depth: number;
}

async function referring({ source, seen, depth }: Search, subject: Descriptor, signal: AbortSignal): Promise<readonly Found[]> {
  const found: Found[] = [];
  if (source.referring === undefined || depth === deepest) return found;
  const list = await Array.fromAsync(source.referring.referrers(subject, signal));
  for (const descriptor of list) {
    if (seen.has(descriptor.digest)) continue;
    seen.add(descriptor.digest);
    if (seen.size > most) throw new PortkitError('PK4006', `More than ${most} manifests refer to each other at ${source.shown}`);
    found.push({ descriptor, referrers: await referring({ source, seen, depth: depth + 1 }, descriptor, signal) });
  }
  return found;
}

function lines(found: readonly Found[], indent: string): readonly string[] {
  return found.flatMap(({ descriptor: { digest, artifactType = 'unknown', size }, referrers: more }, at) => {
    const last = at === found.length - 1;
    const line = `${indent}${last ? '└─' : '├─'} ${printable(artifactType)}  ${digest}  (${showSize(size)})`;
    return [line, ...lines(more, `${indent}${last ? '   ' : '│  '}`)];
  });
}
