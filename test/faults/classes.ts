import { mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { judge, openForTest, total } from './judge.ts';
import type { Verdict } from './judge.ts';
import { hasTool, runTool, startWorker } from './process.ts';

/** One row of the table: a class of faults, and whether the deliberately broken store was caught by the same check. */
export interface Row extends Verdict {
  readonly name: string;
  readonly faults: number;
  /** What the control lost, or undefined where a class has none. */
  readonly control: number | undefined;
  readonly skipped?: string;
}

const root = process.getuid?.() === 0;

function skip(name: string, reason: string): Row {
  return { name, faults: 0, acknowledged: 0, lost: 0, corrupt: 0, control: undefined, skipped: reason };
}

/** Repeatable numbers, so that a failing run can be run again. */
function* numbers(seed: number): Generator<number> {
  for (let state = seed; ;) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    yield state / 2 ** 32;
  }
}

/** The power fails at a random moment on a real ext4; half of the cuts flush the journal, half do not. */
export async function powerCuts(cycles: number): Promise<Row> {
  const name = 'power cut (ext4 shutdown)';
  if (!root) return skip(name, 'needs root to mount');
  for (const tool of ['xfs_io', 'mke2fs', 'losetup']) if (!hasTool(tool)) return skip(name, `needs ${tool}`);
  const random = numbers(7);
  const verdicts: Verdict[] = [];
  for (let cycle = 0; cycle < cycles; cycle += 1) verdicts.push(await cutPower(cycle, random.next().value ?? 0, ''));
  const control: Verdict[] = [];
  for (let cycle = 0; cycle < 3; cycle += 1) control.push(await cutPower(cycle, random.next().value ?? 0, 'broken'));
  const { lost, corrupt } = total(control);
  return { name, faults: cycles, ...total(verdicts), control: lost + corrupt };
}

async function cutPower(cycle: number, moment: number, broken: string): Promise<Verdict> {
  const folder = mkdtempSync(join(tmpdir(), 'portkit-cut-'));
  const [image, mount] = [join(folder, 'disk'), join(folder, 'mnt')];
  mkdirSync(mount);
  runTool('truncate', '-s', '128M', image);
  runTool('mke2fs', '-q', '-t', 'ext4', image);
  runTool('mount', '-o', 'loop', image, mount);
  try {
    const worker = startWorker([join(mount, 'store'), `cut ${cycle}`, '1000', broken]);
    await worker.reached(1 + Math.floor(moment * 120));
    runTool('xfs_io', '-x', '-c', cycle % 2 === 0 ? 'shutdown' : 'shutdown -f', mount);
    // What was acknowledged before the cut counts; the worker meets only errors from here on.
    const lines = worker.lines();
    worker.kill();
    await worker.ended;
    runTool('umount', mount);
    runTool('mount', '-o', 'loop', image, mount);
    return await judge(join(mount, 'store'), lines).catch(() => ({ acknowledged: lines.length, lost: lines.length, corrupt: 0 }));
  } finally {
    runTool('umount', mount);
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Four writers on one store, each killed at a random moment, again and again. */
export async function randomKills(kills: number): Promise<Row> {
  const folder = mkdtempSync(join(tmpdir(), 'portkit-kill-'));
  const random = numbers(11);
  const lines: string[] = [];
  try {
    for (let done = 0; done < kills; done += 4) {
      const workers = [0, 1, 2, 3].map((at) => startWorker([folder, `kill ${done + at}`, '1000']));
      await Promise.all(
        workers.map(async (worker) => {
          await worker.reached(1 + Math.floor((random.next().value ?? 0) * 40));
          worker.kill();
          await worker.ended;
        }),
      );
      lines.push(...workers.flatMap((worker) => worker.lines()));
    }
    const verdict = await judge(folder, lines);
    return { name: 'kill -9 under four writers', faults: kills, ...verdict, control: undefined };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

const calls = ['write', 'pwrite64', 'fsync', 'fdatasync', 'rename', 'link', 'unlink', 'mkdir', 'ftruncate'];

/** One round of puts, a batch and a record, killed at its every n-th store system call, for every n and every call. */
export async function everyCall(most: number): Promise<Row> {
  const name = 'kill at each system call';
  if (!hasTool('strace')) return skip(name, 'needs strace');
  const verdicts: Verdict[] = [];
  for (const call of calls) {
    for (let at = 1; at <= most; at += 1) {
      const folder = mkdtempSync(join(tmpdir(), 'portkit-call-'));
      try {
        // SQLite's and the store's calls have these paths in common; the runtime's own do not.
        const trace = [
          'strace',
          '-f',
          '-qq',
          '-o',
          '/dev/null',
          '-e',
          `trace=${call}`,
          '-e',
          `inject=${call}:signal=KILL:when=${at}`,
        ];
        const worker = startWorker([folder, `call ${call} ${at}`, '1'], trace);
        await worker.ended;
        const whole = worker.lines().some((line) => line.startsWith('end'));
        verdicts.push(await judge(folder, worker.lines()));
        if (whole) break;
      } finally {
        rmSync(folder, { recursive: true, force: true });
      }
    }
  }
  return { name, faults: verdicts.length, ...total(verdicts), control: undefined };
}

/** The disk fills up at many sizes: a coded failure, nothing half-written, and what is there can be read. */
export async function fullDisks(sizes: number): Promise<Row> {
  const name = 'disk full (tmpfs of many sizes)';
  if (!root) return skip(name, 'needs root to mount');
  const verdicts: Verdict[] = [];
  for (let step = 0; step < sizes; step += 1) {
    const mount = mkdtempSync(join(tmpdir(), 'portkit-full-'));
    runTool('mount', '-t', 'tmpfs', '-o', `size=${400 + step * 61}k`, 'tmpfs', mount);
    try {
      const folder = join(mount, 'store');
      const worker = startWorker([folder, `full ${step}`, '50']);
      await worker.ended;
      const lines = worker.lines();
      runTool('mount', '-o', 'remount,size=64m', mount);
      verdicts.push(await judge(folder, lines));
    } finally {
      runTool('umount', mount);
      rmSync(mount, { recursive: true, force: true });
    }
  }
  return { name, faults: sizes, ...total(verdicts), control: undefined };
}

/** Every fsync and fdatasync in turn answers EIO: what then was acknowledged must be there all the same. */
export async function failedSyncs(most: number): Promise<Row> {
  const name = 'EIO from each sync';
  if (!hasTool('strace')) return skip(name, 'needs strace');
  const verdicts: Verdict[] = [];
  for (const call of ['fsync', 'fdatasync']) {
    for (let at = 1; at <= most; at += 1) {
      const folder = mkdtempSync(join(tmpdir(), 'portkit-eio-'));
      try {
        const trace = [
          'strace',
          '-f',
          '-qq',
          '-o',
          '/dev/null',
          '-e',
          `trace=${call}`,
          '-e',
          `inject=${call}:error=EIO:when=${at}`,
        ];
        const worker = startWorker([folder, `eio ${call} ${at}`, '1'], trace);
        await worker.ended;
        verdicts.push(await judge(folder, worker.lines()));
        if (worker.lines().some((line) => line.startsWith('end'))) break;
      } finally {
        rmSync(folder, { recursive: true, force: true });
      }
    }
  }
  return { name, faults: verdicts.length, ...total(verdicts), control: undefined };
}

/** Writers that hold what they wrote, while another process collects everything it can. */
export async function collectUnderWriters(rounds: number): Promise<Row> {
  const folder = mkdtempSync(join(tmpdir(), 'portkit-gc-'));
  try {
    const workers = [0, 1, 2, 3].map((at) => startWorker([folder, `gc ${at}`, '6']));
    await Promise.all(workers.map((worker) => worker.reached(1)));
    const collector = openForTest(folder);
    for (let round = 0; round < rounds; round += 1) await collector.collect({}, new AbortController().signal);
    await collector[Symbol.asyncDispose]();
    const statuses = await Promise.all(workers.map((worker) => worker.ended));
    const verdict = await judge(
      folder,
      workers.flatMap((worker) => worker.lines()),
    );
    const stuck = statuses.filter((status) => status !== 0).length;
    const leftovers = readdirSync(join(folder, 'v1/trash')).length > 50 ? 1 : 0;
    return {
      name: 'four writers while collecting',
      faults: rounds,
      ...verdict,
      lost: verdict.lost + stuck + leftovers,
      control: undefined,
    };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
