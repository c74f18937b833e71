import { cpSync, existsSync, mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { callsOf, failedSync, injecting } from './calls.ts';
import type { Call } from './calls.ts';
import { alsoBroken, judge } from './judge.ts';
import type { Verdict } from './judge.ts';
import type { Mutant } from './mutants.ts';
import { inPairs, runWorker, whyNot } from './process.ts';
import { skip, spread, tryAll, withFolder } from './row.ts';
import type { Row } from './row.ts';

/** Every changing call of a job answers an error, each in turn: the job fails with a code, or did not need the call. */
export function failedCalls(most: number): Promise<Row> {
  return failing('an error from each changing call', {
    kind: 'changing',
    job: 'work',
    errors: ['EIO', 'ENOSPC', 'EROFS'],
    most,
    controls: ['failed sync unnoticed', 'full disk unnoticed', 'no error codes', 'files left behind'],
  });
}

/** Every read answers EIO, each in turn: that is the disk's word, and never taken for damage. */
export function failedReads(most: number): Promise<Row> {
  return failing('EIO from each read', {
    kind: 'reading',
    job: 'read',
    errors: ['EIO'],
    most,
    controls: ['failed read is damage', 'no error codes'],
  });
}

interface Failing {
  readonly kind: 'changing' | 'reading';
  readonly job: string;
  readonly errors: readonly NonNullable<Call['error']>[];
  readonly most: number;
  readonly controls: readonly Mutant[];
}

function failing(name: string, { kind, job, errors, most, controls }: Failing): Promise<Row> {
  const reason = whyNot(['strace']);
  if (reason !== undefined) return Promise.resolve(skip(name, reason));
  return withFolder(async (folder) => {
    const prepared = join(folder, 'prepared');
    mkdirSync(prepared);
    const before = await runWorker({ job: 'prepare', root: join(prepared, 'store') }, true);
    const faults = async (mutant?: Mutant): Promise<readonly Call[]> => {
      const calls = await callsOf({ job, mutant }, prepared, kind);
      const all = calls.flatMap((call) => errors.map((error) => ({ ...call, error })));
      return spread(mutant === undefined ? all : all.filter((call) => isMetBy(mutant, call)), most);
    };
    return tryAll({
      name,
      faults: await faults(),
      faultsOf: faults,
      all: inPairs,
      controls,
      run: (call, mutant) =>
        withFolder(async (copy) => {
          cpSync(prepared, copy, { recursive: true });
          const [root, log] = [join(copy, 'store'), join(copy, 'strace')];
          const lines = await runWorker({ job, root, mutant, under: injecting(call, log) });
          const unnoticed = lines.includes('end') && failedSync(log) ? ['wrong: a failed sync was not noticed'] : [];
          // Who cannot remove a file leaves it; everybody else does not.
          const tidy = !/unlink|rename|rmdir/.test(call.name);
          return judgeFailure(root, [...before, ...lines, ...unnoticed], tidy);
        }),
    });
  });
}

/** Whether a call is of those that a broken store treats wrongly. */
function isMetBy(mutant: Mutant, call: Call): boolean {
  if (mutant === 'failed sync unnoticed') return call.name === 'fsync' && call.error === 'EIO';
  if (mutant === 'full disk unnoticed') return call.name === 'write' && call.error === 'ENOSPC';
  return true;
}

/** After a failure: nothing unfinished is left, a collection clears the rest away, and the store works as if new. */
export async function judgeFailure(root: string, lines: readonly string[], tidy = true): Promise<Verdict> {
  const left = tidy ? unfinished(root) : [];
  const verdict = await judge(root, [...lines, ...left.map((name) => `wrong: ${name} was left unfinished`)]);
  const collected = await runWorker({ job: 'collect', root });
  const again = await runWorker({ job: 'work', root });
  return alsoBroken(verdict, {
    'it can be collected': collected.includes('end'),
    'a collection clears everything away': unfinished(root).length === 0,
    'it can be written again': again.includes('end'),
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
