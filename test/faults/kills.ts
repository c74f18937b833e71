import { cpSync, existsSync, mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { snapshot } from '../../src/store/host/snapshot.ts';
import { before, rootIn } from './before.ts';
import { callsOf, injecting } from './calls.ts';
import type { Call } from './calls.ts';
import { canBeEmptied, collectAll } from './empty.ts';
import { alsoBroken, judge, openForTest, total } from './judge.ts';
import type { Verdict } from './judge.ts';
import type { Mutant } from './mutants.ts';
import { runWorker, startWorker, whyNot } from './process.ts';
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

const killed: readonly Killed[] = [
  {
    name: 'puts, a batch and a record',
    job: 'work',
    prepare: before.nothing,
    judge: (folder, lines) => judge(rootIn(folder), lines),
    controls: ['early word', 'row before file', 'name before bytes', 'orphans unseen'],
  },
  { name: 'puts over damage', job: 'work', prepare: before.damage, judge: judgeHealing, controls: ['no healing', 'early word'] },
  {
    name: 'tags and records',
    job: 'records',
    prepare: before.store,
    judge: (folder, lines) => judge(rootIn(folder), lines),
    controls: ['early word', 'journal forgotten'],
  },
  {
    name: 'a collection',
    job: 'collect',
    prepare: before.store,
    judge: judgeCollection,
    controls: ['old pack first', 'roots ignored'],
  },
  {
    name: 'a collection of all records',
    job: 'collect all',
    prepare: before.tags,
    judge: judgeCollection,
    controls: ['old journal first', 'roots ignored'],
  },
  { name: 'a snapshot and a checkout', job: 'checkout', prepare: before.source, judge: judgeCheckout, controls: ['early word'] },
];

/** Each of these jobs killed at its every system call that touches the store (at most `most` of them). */
export function everyCall(most: number): readonly (() => Promise<Row>)[] {
  const reason = whyNot(['strace']);
  return killed.map((one) => async () => {
    const name = `kill at each call of ${one.name}`;
    return reason === undefined ? await withFolder((folder) => killEach(one, name, { folder, most })) : skip(name, reason);
  });
}

async function killEach(killed: Killed, name: string, { folder, most }: { folder: string; most: number }): Promise<Row> {
  const prepared = join(folder, 'prepared');
  mkdirSync(prepared);
  const known = await killed.prepare(prepared);
  const calls = async (mutant?: Mutant): Promise<readonly Call[]> => {
    const all = await callsOf({ job: killed.job, mutant }, prepared, 'changing');
    // A pack that no row knows is left by a kill in the sync of its new name: which of the syncs that is changes from run to
    // run, so each is tried several times.
    const syncs = all.filter(({ name: call }) => call === 'fsync');
    return mutant === 'orphans unseen'
      ? [syncs, syncs, syncs, syncs].flat()
      : spread(all, mutant === undefined ? most : Math.max(most, 12));
  };
  return tryAll({
    name,
    faults: await calls(),
    faultsOf: calls,
    run: (call, mutant) =>
      withFolder(async (copy) => {
        cpSync(prepared, copy, { recursive: true });
        const task = { job: killed.job, root: rootIn(copy), mutant, timeout: 30_000 };
        const lines = await runWorker({ ...task, under: injecting(call, `${copy}/strace`) });
        const other = join(copy, 'other');
        if (existsSync(rootIn(copy))) cpSync(rootIn(copy), other, { recursive: true });
        const verdict = await killed.judge(copy, [...known, ...lines]);
        return alsoBroken(verdict, {
          'what nobody needs leaves the disk': await canBeEmptied(other, mutant === 'orphans unseen' ? mutant : undefined),
        });
      }),
    controls: killed.controls,
  });
}

/** What was acknowledged is right although much is damaged; and putting it all again leaves nothing damaged. */
async function judgeHealing(folder: string, lines: readonly string[]): Promise<Verdict> {
  const first = await judge(rootIn(folder), lines, true);
  const again = await runWorker({ job: 'work', root: rootIn(folder) });
  return total([first, await judge(rootIn(folder), [...lines, ...again])]);
}

/** Everything that is tagged or recorded is there, and a second collection can finish the work. */
async function judgeCollection(folder: string, lines: readonly string[]): Promise<Verdict> {
  const again = await collectAll(rootIn(folder), {});
  const verdict = await judge(rootIn(folder), lines);
  // What is thrown away is deleted, but for the session of the last collection itself.
  const left = readdirSync(join(rootIn(folder), 'v1/trash')).length;
  return alsoBroken(verdict, { 'it can be collected again': again, 'its trash is emptied': left <= 1 });
}

/** A checkout that was said to be made is the tree that was taken. */
async function judgeCheckout(folder: string, lines: readonly string[]): Promise<Verdict> {
  const verdict = await judge(rootIn(folder), lines);
  const tree = lines.find((line) => line.startsWith('out '))?.slice(4);
  if (tree === undefined) return verdict;
  await using opened = openForTest(rootIn(folder));
  const { signal } = new AbortController();
  const made = await snapshot(`${rootIn(folder)}.out`, opened, { signal }).catch(() => undefined);
  return { ...verdict, corrupt: verdict.corrupt + (made?.tree === tree ? 0 : 1) };
}
