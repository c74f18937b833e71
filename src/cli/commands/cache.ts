import { PortkitError } from '../../base/errors.ts';
import { showSize } from '../../base/units.ts';
import type { Finding, Store, Verified } from '../../store/store.ts';
import { openStoreAt } from '../../wiring.ts';
import type { Command, Invocation } from '../command.ts';
import { storeOptions, storeRoot } from '../context.ts';
import { parseDuration, parseSize } from '../sizes.ts';
import { verbOf } from '../verbs.ts';

type Run = (store: Store) => Promise<number>;

/** A verb reads its options before the store is opened: a wrong command line touches nothing. */
interface Verb {
  readonly options: readonly string[];
  prepare(invocation: Invocation): Run;
}

const verbs: Readonly<Record<string, Verb>> = {
  du: { options: [], prepare: (invocation) => (store) => du(store, invocation) },
  ls: { options: [], prepare: (invocation) => (store) => ls(store, invocation) },
  prune: { options: ['max-size', 'keep', 'min-free', 'dry-run'], prepare: prune },
  verify: { options: ['repair', 'subset'], prepare: verify },
  'rebuild-index': { options: [], prepare: (invocation) => (store) => rebuild(store, invocation) },
};

/** `portkit cache …`: what is in the store, and whether it is right. */
export const cache: Command = {
  usage: 'cache du|ls|prune|verify|rebuild-index [OPTION…]',
  about: [
    'du             what the store takes of the disk',
    'ls             every blob with its size and last use',
    'prune          collect: without options only what nothing leads to',
    'verify         hash everything; exit 7 if something is corrupt, 8 missing, 9 unreadable',
    'rebuild-index  make the index anew from blobs, packs and records',
  ].join('\n'),
  words: 1,
  options: {
    ...storeOptions,
    'max-size': { type: 'string', value: 'SIZE', help: 'prune: the store may keep this much (10GiB)' },
    keep: { type: 'string', value: 'TIME', help: 'prune: keep what was used within this time (7d)' },
    'min-free': { type: 'string', value: 'SIZE', help: 'prune: leave this much of the disk free' },
    'dry-run': { type: 'boolean', help: 'prune: only say what would go' },
    repair: { type: 'boolean', help: 'verify: move what is damaged to the quarantine, drop what is lost' },
    subset: { type: 'string', value: 'N/T', help: 'verify: only the n-th of t parts' },
  },
  async run(invocation) {
    const run = verbOf({ command: 'cache', shared: storeOptions, verbs }, invocation).prepare(invocation);
    const rebuilding = invocation.words[0] === 'rebuild-index';
    await using store = openStoreAt(storeRoot(invocation.options['root']), { replaceDamagedIndex: rebuilding });
    return await run(store);
  },
};

function result(invocation: Invocation, value: object, text: () => string): void {
  const shown = invocation.options['json'] === true ? JSON.stringify(value, null, 2) : text();
  if (shown !== '') invocation.print(shown);
}

function du(store: Store, invocation: Invocation): Promise<number> {
  const usage = store.usage();
  const bytes = usage.reduce((sum, one) => sum + one.bytes, 0);
  result(invocation, { directory: store.directory, bytes, usage }, () =>
    [
      ...usage.map((one) => `${showSize(one.bytes).padStart(10)}  ${String(one.files).padStart(7)} files  ${one.kind}`),
      `${showSize(bytes).padStart(10)}  in ${store.directory}`,
    ].join('\n'),
  );
  return Promise.resolve(0);
}

function ls(store: Store, invocation: Invocation): Promise<number> {
  const blobs = [...store.list()];
  result(invocation, { blobs }, () =>
    blobs.map((blob) => `${blob.digest}  ${String(blob.size).padStart(12)}  ${new Date(blob.usedAt).toISOString()}`).join('\n'),
  );
  return Promise.resolve(0);
}

function prune(invocation: Invocation): Run {
  const { options, signal } = invocation;
  const [maxSize, keep, minFree] = [options['max-size'], options['keep'], options['min-free']];
  const dryRun = options['dry-run'] === true;
  const how = {
    ...(typeof maxSize === 'string' && { maxSize: parseSize(maxSize, 'max-size') }),
    ...(typeof keep === 'string' && { keep: parseDuration(keep, 'keep') }),
    ...(typeof minFree === 'string' && { minFree: parseSize(minFree, 'min-free') }),
    dryRun,
  };
  return async (store) => {
    const done = await store.collect(how, signal);
    const verb = dryRun ? 'Would collect' : 'Collected';
    result(invocation, done, () => `${verb} ${done.blobs} blobs (${showSize(done.bytes)}) and ${done.records} records`);
    return 0;
  };
}

function verify(invocation: Invocation): Run {
  const { options, signal } = invocation;
  const subset = typeof options['subset'] === 'string' ? parseSubset(options['subset']) : undefined;
  const how = { repair: options['repair'] === true, ...(subset !== undefined && { subset }) };
  return async (store) => reportVerified(await store.verify(how, signal), invocation);
}

function reportVerified(done: Verified, invocation: Invocation): number {
  result(invocation, done, () =>
    [
      ...done.findings.map(showFinding),
      `Checked ${done.checked} blobs (${showSize(done.bytes)}): ${done.findings.length} findings`,
    ].join('\n'),
  );
  const problems = new Set(done.findings.map((finding) => finding.problem));
  return problems.has('corrupt') ? 7 : problems.has('missing') ? 8 : problems.has('unreadable') ? 9 : 0;
}

function showFinding(finding: Finding): string {
  return `${finding.problem} ${finding.object} ${finding.name}: ${finding.detail}${finding.repaired ? ' (repaired)' : ''}`;
}

function parseSubset(text: string): readonly [number, number] {
  const [, part = '0', of = '0'] = /^([0-9]{1,4})\/([0-9]{1,4})$/.exec(text) ?? [];
  const parts: readonly [number, number] = [Number(part), Number(of)];
  if (parts[0] >= 1 && parts[0] <= parts[1]) return parts;
  throw new PortkitError('PK1004', `The subset ${JSON.stringify(text)} is not understood`, {
    hint: '--subset takes n/t such as 1/4',
  });
}

async function rebuild(store: Store, invocation: Invocation): Promise<number> {
  const done = await store.rebuildIndex(invocation.signal);
  result(invocation, done, () => `The index holds ${done.blobs} blobs, ${done.records} records and ${done.tags} tags`);
  return 0;
}
