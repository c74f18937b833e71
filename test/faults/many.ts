import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { alsoBroken, judge } from './judge.ts';
import type { Verdict } from './judge.ts';
import type { Mutant } from './mutants.ts';
import { runWorker, startWorker } from './process.ts';
import { tryAll, withFolder } from './row.ts';
import type { Row } from './row.ts';

/** Two and four processes that put, record and collect on one store, while another collects all the time. */
export function manyProcesses(rounds: number): Promise<Row> {
  return tryAll({
    name: 'two and four writers while collecting',
    faults: [2, 4],
    run: (count, mutant) => withFolder((folder) => runMany(join(folder, 'store'), count, { rounds, mutant })),
    controls: ['eras ignored', 'lock kept'],
  }).then((row) => ({ ...row, faults: 6 * rounds }));
}

async function runMany(root: string, count: number, how: { rounds: number; mutant: Mutant | undefined }): Promise<Verdict> {
  const { rounds, mutant } = how;
  // A store whose lock is kept is to be found out soon: sound writers never wait this long for anything.
  const timeout = mutant === 'lock kept' ? 5000 : 120_000;
  await runWorker({ job: 'prepare', root }, true);
  const writers = Array.from({ length: count }, (_, at) =>
    startWorker({ job: 'mixed', root, seed: `writer ${at}`, rounds, mutant, timeout }),
  );
  const collector = startWorker({ job: 'collect', root, rounds: 1_000_000, mutant, timeout: timeout + 5000 });
  const statuses = await Promise.all(writers.map((writer) => writer.ended));
  collector.kill();
  await collector.ended;
  const lines = [...writers, collector].flatMap((worker) => worker.lines());
  const verdict = await judge(root, lines);
  return alsoBroken(verdict, { 'all writers came to their end': statuses.every((status) => status === 0) });
}

interface Clocks {
  readonly writer: number;
  readonly collector: number;
}

/** One process holds what it wrote, another with a clock that is ten years off takes everything it may. */
export function wrongClocks(): Promise<Row> {
  const years = [-10, 0, 10];
  return tryAll({
    name: 'clock ten years off',
    faults: years.flatMap((writer) => years.map((collector) => ({ writer, collector }))),
    run: (clocks, mutant) => withFolder((folder) => runClocks(join(folder, 'store'), clocks, mutant)),
    controls: ['clock decides', 'eras ignored'],
  });
}

async function runClocks(root: string, clocks: Clocks, mutant: Mutant | undefined): Promise<Verdict> {
  const before = await runWorker({ job: 'prepare', root, years: clocks.collector }, true);
  const tagged = before.filter((line) => line.startsWith('tag '));
  const writer = startWorker({ job: 'hold', root, years: clocks.writer, mutant });
  await writer.reached(24);
  const collected = await runWorker({ job: 'collect all', root, years: clocks.collector, mutant });
  writeFileSync(`${root}.go`, '');
  const ended = await writer.ended;
  const again = await runWorker({ job: 'records', root, years: clocks.collector });
  const verdict = await judge(root, [...tagged, ...writer.lines(), ...collected, ...again]);
  return alsoBroken(verdict, {
    'the writer ended': ended === 0,
    'the collection ended': collected.includes('end'),
    'tags can be set afterwards': again.includes('end'),
  });
}
