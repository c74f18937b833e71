import { cpSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { snapshot } from '../../src/store/host/snapshot.ts';
import { callsOf, injecting } from './calls.ts';
import type { Call } from './calls.ts';
import { damageAll } from './damages.ts';
import { alsoBroken, judge, openForTest, total } from './judge.ts';
import type { Verdict } from './judge.ts';
import type { Mutant } from './mutants.ts';
import { inPairs, runWorker, startWorker, whyNot } from './process.ts';
import { numbers, skip, spread, tryAll, withFolder } from './row.ts';
import type { Row } from './row.ts';

/** Four writers on one store, each killed at a random moment, again and again. */
export function randomKills(kills: number): Promise<Row> {
  const moments = numbers(11, kills);
  return withFolder((folder) => {
    let stores = 0;
    return tryAll({
      name: 'kill -9 under four writers',
      // One store meets them all: what an earlier kill left behind is what the next writers find.
      faults: [moments],
      run: (all, mutant) => killWriters(join(folder, String((stores += 1))), all, mutant),
      controls: ['early word', 'row before file', 'name before bytes'],
    }).then((row) => ({ ...row, faults: kills }));
  });
}

async function killWriters(root: string, moments: readonly number[], mutant: Mutant | undefined): Promise<Verdict> {
  const lines: string[] = [];
  const most = mutant === undefined ? moments.length : 12;
  for (let done = 0; done < most; done += 4) {
    const workers = [0, 1, 2, 3].map((at) => startWorker({ job: 'work', root, seed: `${done + at}`, rounds: 1000, mutant }));
    await Promise.all(
      workers.map(async (worker, at) => {
        await worker.reached(1 + Math.floor((moments[done + at] ?? 0) * 40));
        worker.kill();
        await worker.ended;
      }),
    );
    lines.push(...workers.flatMap((worker) => worker.lines()));
  }
  return judge(root, lines);
}

/** A job that is killed at its every call: what is there before it, and how the store is judged after it. */
interface Killed {
  readonly name: string;
  readonly job: string;
  readonly prepare: (folder: string) => Promise<readonly string[]>;
  readonly judge: (folder: string, lines: readonly string[]) => Promise<Verdict>;
  readonly controls: readonly Mutant[];
}

const store = (folder: string): string => join(folder, 'store');

const killed: readonly Killed[] = [
  {
    name: 'puts, a batch and a record',
    job: 'work',
    prepare: () => Promise.resolve([]),
    judge: (folder, lines) => judge(store(folder), lines),
    controls: ['early word', 'row before file', 'name before bytes'],
  },
  { name: 'puts over damage', job: 'work', prepare: prepareDamage, judge: judgeHealing, controls: ['no healing', 'early word'] },
  {
    name: 'tags and records',
    job: 'records',
    prepare: (folder) => runWorker({ job: 'prepare', root: store(folder) }, true),
    judge: (folder, lines) => judge(store(folder), lines),
    controls: ['early word', 'journal forgotten'],
  },
  {
    name: 'a collection',
    job: 'collect',
    prepare: (folder) => runWorker({ job: 'prepare', root: store(folder) }, true),
    judge: judgeCollection,
    controls: ['old pack first', 'roots ignored'],
  },
  { name: 'a snapshot and a checkout', job: 'checkout', prepare: prepareSource, judge: judgeCheckout, controls: ['early word'] },
];

/** Each of these jobs killed at its every system call that touches the store (at most `most` of them). */
export async function everyCall(most: number): Promise<readonly Row[]> {
  const reason = whyNot(['strace']);
  const rows: Row[] = [];
  for (const one of killed) {
    const name = `kill at each call of ${one.name}`;
    rows.push(reason === undefined ? await withFolder((folder) => killEach(one, name, { folder, most })) : skip(name, reason));
  }
  return rows;
}

async function killEach(killed: Killed, name: string, { folder, most }: { folder: string; most: number }): Promise<Row> {
  const prepared = join(folder, 'prepared');
  mkdirSync(prepared);
  const before = await killed.prepare(prepared);
  const calls = async (mutant?: Mutant): Promise<readonly Call[]> =>
    spread(await callsOf({ job: killed.job, mutant }, prepared, 'changing'), most);
  return tryAll({
    name,
    faults: await calls(),
    faultsOf: calls,
    all: inPairs,
    run: (call, mutant) =>
      withFolder(async (copy) => {
        cpSync(prepared, copy, { recursive: true });
        const task = { job: killed.job, root: store(copy), mutant, timeout: 30_000 };
        const lines = await runWorker({ ...task, under: injecting(call, `${copy}/strace`) });
        return killed.judge(copy, [...before, ...lines]);
      }),
    controls: killed.controls,
  });
}

async function prepareDamage(folder: string): Promise<readonly string[]> {
  await runWorker({ job: 'work', root: store(folder) }, true);
  damageAll(store(folder));
  return [];
}

/** What was acknowledged is right although much is damaged; and putting it all again leaves nothing damaged. */
async function judgeHealing(folder: string, lines: readonly string[]): Promise<Verdict> {
  const first = await judge(store(folder), lines, true);
  const again = await runWorker({ job: 'work', root: store(folder) });
  return total([first, await judge(store(folder), [...lines, ...again])]);
}

/** Everything that is tagged or recorded is there, and a second collection can finish the work. */
async function judgeCollection(folder: string, lines: readonly string[]): Promise<Verdict> {
  const again = await runWorker({ job: 'collect', root: store(folder) });
  const verdict = await judge(store(folder), lines);
  // What is thrown away is deleted, but for the session of the last collection itself.
  const left = readdirSync(join(store(folder), 'v1/trash')).length;
  return alsoBroken(verdict, { 'it can be collected again': again.includes('end'), 'its trash is emptied': left <= 1 });
}

function prepareSource(folder: string): Promise<readonly string[]> {
  const source = `${store(folder)}.source`;
  mkdirSync(join(source, 'a/b'), { recursive: true });
  writeFileSync(join(source, 'a/small'), 'small');
  writeFileSync(join(source, 'a/b/large'), Buffer.alloc(1_200_000, 'large'));
  return Promise.resolve([]);
}

/** A checkout that was said to be made is the tree that was taken. */
async function judgeCheckout(folder: string, lines: readonly string[]): Promise<Verdict> {
  const verdict = await judge(store(folder), lines);
  const tree = lines.find((line) => line.startsWith('out '))?.slice(4);
  if (tree === undefined) return verdict;
  await using opened = openForTest(store(folder));
  const { signal } = new AbortController();
  const made = await snapshot(`${store(folder)}.out`, opened.blobs, { signal }).catch(() => undefined);
  return { ...verdict, corrupt: verdict.corrupt + (made?.tree === tree ? 0 : 1) };
}
