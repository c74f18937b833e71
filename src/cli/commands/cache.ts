import { PortkitError } from '../../base/errors.ts';
import type { Finding, Store } from '../../store/store.ts';
import type { Command, Invocation } from '../command.ts';
import { openStoreAt, storeOptions, storeRoot } from '../context.ts';
import { parseDuration, parseSize, showSize } from '../sizes.ts';
import { suggest } from '../../base/suggest.ts';

type Verb = (store: Store, invocation: Invocation) => Promise<number>;

const verbs: Readonly<Record<string, Verb>> = { du, ls, prune, verify, 'rebuild-index': rebuild };

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
    const name = invocation.words[0] ?? '';
    const verb = Object.hasOwn(verbs, name) ? verbs[name] : undefined;
    if (verb === undefined || invocation.words.length > 1) {
      const near = suggest(name, Object.keys(verbs));
      const hint = near === undefined || near === name ? 'Run "portkit help cache"' : `Did you mean "portkit cache ${near}"?`;
      throw new PortkitError('PK1001', `"portkit cache" does not know ${JSON.stringify(invocation.words.join(' '))}`, { hint });
    }
    await using store = openStoreAt(storeRoot(invocation.options['root']), { replaceDamagedIndex: name === 'rebuild-index' });
    return await verb(store, invocation);
  },
};

function result(invocation: Invocation, value: object, text: () => string): void {
  invocation.print(invocation.options['json'] === true ? JSON.stringify(value, null, 2) : text());
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

async function prune(store: Store, invocation: Invocation): Promise<number> {
  const { options, signal } = invocation;
  const [maxSize, keep, minFree] = [options['max-size'], options['keep'], options['min-free']];
  const done = await store.collect(
    {
      ...(typeof maxSize === 'string' && { maxSize: parseSize(maxSize, 'max-size') }),
      ...(typeof keep === 'string' && { keep: parseDuration(keep, 'keep') }),
      ...(typeof minFree === 'string' && { minFree: parseSize(minFree, 'min-free') }),
      dryRun: options['dry-run'] === true,
    },
    signal,
  );
  const verb = options['dry-run'] === true ? 'Would collect' : 'Collected';
  result(invocation, done, () => `${verb} ${done.blobs} blobs (${showSize(done.bytes)}) and ${done.records} records`);
  return 0;
}

async function verify(store: Store, invocation: Invocation): Promise<number> {
  const { options, signal } = invocation;
  const subset = typeof options['subset'] === 'string' ? parseSubset(options['subset']) : undefined;
  const done = await store.verify({ repair: options['repair'] === true, ...(subset !== undefined && { subset }) }, signal);
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
