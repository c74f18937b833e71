import { cpSync, existsSync, mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { before, rootIn } from './before.ts';
import { callsOf, failedSync, injecting } from './calls.ts';
import type { Call } from './calls.ts';
import { canBeEmptied, collectAll } from './empty.ts';
import { alsoBroken, judge } from './judge.ts';
import type { Verdict } from './judge.ts';
import type { Mutant } from './mutants.ts';
import { runWorker, whyNot } from './process.ts';
import { skip, spread, tryAll, withFolder } from './row.ts';
import type { Row } from './row.ts';

interface Failing {
  readonly name: string;
  readonly kind: 'changing' | 'reading';
  readonly job: string;
  readonly prepare: (folder: string) => Promise<readonly string[]>;
  readonly errors: readonly NonNullable<Call['error']>[];
  readonly controls: readonly Mutant[];
}

const changing: readonly Failing[] = [
  {
    name: 'puts, a batch and a record',
    kind: 'changing',
    job: 'work',
    prepare: before.store,
    errors: ['EIO', 'ENOSPC', 'EROFS'],
    controls: ['failed sync unnoticed', 'full disk unnoticed', 'no error codes', 'files left behind'],
  },
  {
    name: 'tags and records',
    kind: 'changing',
    job: 'records',
    prepare: before.store,
    errors: ['EIO', 'ENOSPC', 'EROFS'],
    controls: ['failed sync unnoticed', 'no error codes'],
  },
  {
    name: 'a collection',
    kind: 'changing',
    job: 'collect',
    prepare: before.store,
    errors: ['EIO', 'ENOSPC', 'EROFS'],
    controls: ['old pack first', 'no error codes'],
  },
  {
    name: 'a snapshot and a checkout',
    kind: 'changing',
    job: 'checkout',
    prepare: before.source,
    errors: ['EIO', 'ENOSPC', 'EROFS'],
    controls: ['failed sync unnoticed', 'no error codes'],
  },
];

/** Every changing call of some jobs answers an error, each in turn: the job fails with a code, or did not need the call. */
export function failedCalls(most: number): readonly (() => Promise<Row>)[] {
  return changing.map((one) => () => failing(`an error from each call of ${one.name}`, one, most));
}

/** Every read answers EIO, each in turn: that is the disk's word, and never taken for damage. */
export function failedReads(most: number): Promise<Row> {
  const name = 'EIO from each read of a reader';
  const controls: readonly Mutant[] = ['failed read is damage', 'no error codes'];
  return failing(name, { name, kind: 'reading', job: 'read', prepare: before.store, errors: ['EIO'], controls }, most);
}

function failing(name: string, { kind, job, prepare, errors, controls }: Failing, most: number): Promise<Row> {
  const reason = whyNot(['strace']);
  if (reason !== undefined) return Promise.resolve(skip(name, reason));
  return withFolder(async (folder) => {
    const prepared = join(folder, 'prepared');
    mkdirSync(prepared);
    const known = await prepare(prepared);
    const inTurn = (call: Call, at: number): Call => ({
      ...call,
      error: call.name.endsWith('sync') ? 'EIO' : (errors[at % errors.length] ?? 'EIO'),
    });
    const faults = async (mutant?: Mutant): Promise<readonly Call[]> => {
      const calls = await callsOf({ job, mutant }, prepared, kind);
      if (mutant === undefined) return spread(calls.map(inTurn), most);
      const all = calls.flatMap((call) => errors.map((error) => ({ ...call, error })));
      // A broken store is tried until it is caught: all that it may meet.
      return all.filter((call) => isMetBy(mutant, call));
    };
    return tryAll({
      name,
      faults: await faults(),
      faultsOf: faults,
      controls,
      run: (call, mutant) =>
        withFolder(async (copy) => {
          cpSync(prepared, copy, { recursive: true });
          const [root, log] = [rootIn(copy), join(copy, 'strace')];
          const lines = await runWorker({ job, root, mutant, under: injecting(call, log) });
          const unnoticed = lines.includes('end') && failedSync(log) ? ['wrong: a failed sync was not noticed'] : [];
          // Who cannot remove a file leaves it; everybody else does not.
          const tidy = !/unlink|rename|rmdir/.test(call.name);
          return judgeFailure(root, [...known, ...lines, ...unnoticed], tidy);
        }),
    });
  });
}

/** Whether a call is of those that a broken store treats wrongly. */
function isMetBy(mutant: Mutant, call: Call): boolean {
  if (mutant === 'failed sync unnoticed') return call.name === 'fsync' && call.error === 'EIO';
  if (mutant === 'full disk unnoticed') return call.name === 'write' && call.error === 'ENOSPC';
  return mutant !== 'failed read is damage' || call.onBlobs;
}

/** After a failure: nothing unfinished is left, a collection clears the rest away, and the store works as if new. */
export async function judgeFailure(root: string, lines: readonly string[], tidy = true): Promise<Verdict> {
  const left = tidy ? unfinished(root) : [];
  const verdict = await judge(root, [...lines, ...left.map((name) => `wrong: ${name} was left unfinished`)]);
  const collected = await collectAll(root, {});
  const clear = unfinished(root).length === 0;
  const again = await runWorker({ job: 'work', root });
  return alsoBroken(verdict, {
    'it can be collected': collected,
    'a collection clears everything away': clear,
    'it can be written again': again.includes('end'),
    'what nobody needs leaves the disk': await canBeEmptied(root),
  });
}

/** Unfinished files of processes that have ended, also those that were thrown away with their session. */
function unfinished(root: string): readonly string[] {
  return ['v1/sessions', 'v1/trash']
    .flatMap((folder) =>
      existsSync(join(root, folder)) ? readdirSync(join(root, folder), { encoding: 'utf8', recursive: true }) : [],
    )
    .filter((name) => /(^|\/)s-[^/]+\/[0-9]+$/.test(name));
}
