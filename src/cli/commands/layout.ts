import { statSync } from 'node:fs';
import { PortkitError } from '../../base/errors.ts';
import { printable } from '../../base/printable.ts';
import { showSize } from '../../base/units.ts';
import { openArchive } from '../../oci/layout/archive.ts';
import { collectLayout } from '../../oci/layout/collect.ts';
import { folderSource } from '../../oci/layout/folder.ts';
import { heldBlobs } from '../../oci/layout/held.ts';
import type { HeldBlob } from '../../oci/layout/held.ts';
import { verifyLayout } from '../../oci/layout/verify.ts';
import type { Checked } from '../../oci/layout/verify.ts';
import { hasScheme, parsePlace } from '../../oci/place/place.ts';
import type { Command, Invocation } from '../command.ts';
import { oneWord } from '../oci/words.ts';
import { parseDuration } from '../sizes.ts';
import { flag, textOption } from '../values.ts';
import { chooseVerb } from '../verbs.ts';

interface Verb {
  readonly options: readonly string[];
  run(words: readonly string[], invocation: Invocation): Promise<number>;
}

const verbs: Readonly<Record<string, Verb>> = {
  gc: { options: ['untagged', 'keep', 'dry-run'], run: collect },
  verify: { options: [], run: verify },
};

/** Copies that take longer before something leads to their first blob are rare. */
const usualKeep = '24h';

/** `portkit layout …`: looks after a layout as a whole. */
export const layout: Command = {
  usage: 'layout gc DIR [--untagged] [--keep TIME] [--dry-run] [--json] | layout verify DIR|FILE [--json]',
  about: [
    'gc      remove the blobs of a layout folder that no entry of its index.json leads to. What refers to something (signatures,',
    '        SBOMs) is an entry, and stays with what it refers to. Nothing is removed while a listed manifest cannot be read',
    'verify  read all of a folder or archive: every blob is what it is called, and all is there that the index leads to.',
    '        Unreferenced blobs are told, and are no fault',
    '',
    'DIR and FILE may also be written oci:DIR and oci-archive:FILE.',
    'Exit status: 0 done, or nothing is wrong; 1 something listed is not there; 2 usage; 7 it is no layout, or something in it',
    'is wrong: missing, damaged, malformed.',
  ].join('\n'),
  words: 2,
  options: {
    untagged: {
      type: 'boolean',
      help: 'gc: also what has no name any more, since its tag moved, unless it refers to what stays',
    },
    keep: {
      type: 'string',
      value: 'TIME',
      help: `gc: keep what was written or needed within this time (default ${usualKeep}; 0s where nobody writes)`,
    },
    'dry-run': { type: 'boolean', help: 'gc: only say what would go' },
    json: { type: 'boolean', help: 'print the result as JSON' },
  },
  async run(invocation) {
    const verb = chooseVerb({ command: 'layout', verbs, common: ['json'] }, invocation);
    return await verb.run(invocation.words.slice(1), invocation);
  },
};

async function collect(words: readonly string[], { options, signal, print }: Invocation): Promise<number> {
  const place = placeOf(oneWord('layout gc DIR', words));
  if (place.kind === 'archive') {
    throw new PortkitError('PK1004', 'An archive is written as a whole, and nothing is collected in it', {
      hint: 'Copy what you need with "portkit copy oci-archive:FILE:TAG oci-archive:NEW"',
    });
  }
  const [dryRun, untagged] = [flag(options, 'dry-run'), flag(options, 'untagged')];
  const keep = parseDuration(textOption(options, 'keep') ?? usualKeep, 'keep');
  const how = { untagged, keep, now: Date.now(), dryRun };
  const { removed, young, unlisted } = await collectLayout(place.path, how, signal);
  if (flag(options, 'json')) {
    print(JSON.stringify({ version: 1, layout: place.path, dryRun, removed, young, unlisted }, null, 2));
    return 0;
  }
  for (const { digest, size } of removed) print(`${digest}  ${showSize(size)}`);
  const entries = unlisted.length === 0 ? '' : ` and ${unlisted.length} entries`;
  const rest = young.length === 0 ? '' : `; ${tally(young)} are too young`;
  print(`${dryRun ? 'Would remove' : 'Removed'} ${tally(removed)}${entries}${rest}`);
  return 0;
}

async function verify(words: readonly string[], invocation: Invocation): Promise<number> {
  const { options, signal, print } = invocation;
  const place = placeOf(oneWord('layout verify DIR|FILE', words));
  const checked = await check(place, signal);
  const { entries, blobs, bytes, unreferenced, faults } = checked;
  if (flag(options, 'json')) {
    print(JSON.stringify({ version: 1, layout: place.path, entries, blobs, bytes, unreferenced, faults }, null, 2));
  } else {
    for (const { problem, digest, detail } of faults) print(`${problem} ${digest}: ${printable(detail)}`);
    const loose = unreferenced.length === 0 ? '' : `; nothing leads to ${tally(unreferenced)}`;
    print(`Checked ${entries} entries and ${blobs} blobs (${showSize(bytes)}): ${faults.length} faults${loose}`);
  }
  return faults.length === 0 ? 0 : 7;
}

async function check({ kind, path }: { readonly kind: string; readonly path: string }, signal: AbortSignal): Promise<Checked> {
  if (kind === 'layout') return await verifyLayout({ source: folderSource(path), blobs: await heldBlobs(path) }, signal);
  await using source = await openArchive(path, signal);
  return await verifyLayout({ source, blobs: source.blobs }, signal);
}

/** A folder or an archive as a whole: by its scheme, or by what is there. */
function placeOf(word: string): { readonly kind: 'layout' | 'archive'; readonly path: string } {
  if (!hasScheme(word)) {
    const isFile = statSync(word, { throwIfNoEntry: false })?.isFile() === true;
    return { kind: isFile ? 'archive' : 'layout', path: word };
  }
  const place = parsePlace(word);
  if (place.kind !== 'registry' && place.name === undefined) return { kind: place.kind, path: place.path };
  throw new PortkitError('PK4005', `${printable(word)} names something in a layout, and the whole is meant`, {
    hint: 'Leave the tag or digest out',
  });
}

function tally(blobs: readonly HeldBlob[]): string {
  return `${blobs.length} blobs (${showSize(blobs.reduce((sum, { size }) => sum + size, 0))})`;
}
