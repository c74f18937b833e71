import { spawn, spawnSync } from 'node:child_process';
import { readFileSync, readdirSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { staleMutant } from './mutants.ts';
import type { Mutant } from './mutants.ts';

const workerFile = fileURLToPath(new URL('worker.ts', import.meta.url));

/** A worker that runs, and the complete lines it has said so far. */
export interface Running {
  readonly lines: () => readonly string[];
  kill(): void;
  /** The exit status, once all its output is in; `null` when a signal ended it. */
  readonly ended: Promise<number | null>;
  /** Resolves when this many lines are in, or the worker has ended. */
  reached(count: number): Promise<void>;
  /** Does something while no thread of the worker is within a system call. */
  between(work: () => void): Promise<void>;
}

/** What a worker does, and on which store; see `jobs.ts`. */
export interface Task {
  readonly job: string;
  readonly root: string;
  readonly seed?: string;
  readonly rounds?: number;
  readonly mutant?: Mutant | undefined;
  /** How far its clock is off. */
  readonly years?: number;
  /** Other commands under which it runs. */
  readonly under?: readonly string[];
  /** Milliseconds after which it is killed, and said to hang. */
  readonly timeout?: number;
}

/** Starts a worker. */
export function startWorker(task: Task): Running {
  const { job, root, seed = 'seed', rounds = 1, mutant = '', years = 0, under = [], timeout = 60_000 } = task;
  const [command, ...rest] = [...under, process.execPath, workerFile, job, root, seed, String(rounds), mutant, String(years)];
  // A group of its own: a kill must reach the worker also when it runs under another command.
  const child = spawn(command, rest, {
    stdio: ['ignore', 'pipe', 'ignore'],
    env: { PATH: process.env['PATH'], UV_THREADPOOL_SIZE: '1' },
    detached: true,
  });
  let text = '';
  const waiting: { readonly count: number; readonly go: () => void }[] = [];
  const lines = (): readonly string[] => text.split('\n').slice(0, -1);
  const kill = (): void => {
    if (child.pid !== undefined && child.exitCode === null && child.signalCode === null) process.kill(-child.pid, 'SIGKILL');
  };
  const timer = setTimeout(() => {
    text = `${lines().join('\n')}\nwrong: it hangs\n`;
    kill();
  }, timeout);
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
    text += chunk;
    const count = lines().length;
    for (const one of waiting) if (count >= one.count) one.go();
  });
  const ended = new Promise<number | null>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code) => {
      clearTimeout(timer);
      for (const one of waiting) one.go();
      if (code === staleMutant) reject(new Error(`The mutant "${mutant}" has no place in the store any more`));
      else resolve(code);
    });
  });
  return {
    lines,
    ended,
    kill,
    reached: (count) => new Promise((go) => (lines().length >= count ? go() : void waiting.push({ count, go }))),
    async between(work) {
      const { pid } = child;
      const lives = (): boolean => pid !== undefined && child.exitCode === null && child.signalCode === null;
      if (pid === undefined || !lives()) return work();
      process.kill(-pid, 'SIGSTOP');
      while (lives() && !isStopped(pid)) await sleep(1);
      work();
      if (lives()) process.kill(-pid, 'SIGCONT');
    },
  };
}

/** Whether all threads of a process have come back from the kernel and stand still (proc(5), `T`). */
function isStopped(pid: number): boolean {
  const tasks = `/proc/${pid}/task`;
  return readdirSync(tasks).every((task) => {
    const stat = readFileSync(`${tasks}/${task}/stat`, 'latin1');
    return stat.slice(stat.lastIndexOf(')') + 2).startsWith('T');
  });
}

/** Runs a worker to its end; throws when it was to succeed and did not. */
export async function runWorker(task: Task, mustEnd = false): Promise<readonly string[]> {
  const worker = startWorker(task);
  const status = await worker.ended;
  if (mustEnd && status !== 0)
    throw new Error(`The job "${task.job}" ended with ${status}: ${worker.lines().at(-1) ?? 'no word'}`);
  return worker.lines();
}

/** Runs a program to its end; throws with its words when it fails. */
export function runTool(command: string, ...args: readonly string[]): string {
  const done = spawnSync(command, args, { encoding: 'utf8', timeout: 60_000 });
  if (done.status !== 0) throw new Error(`${command} ${args.join(' ')} failed: ${done.stderr}${done.error?.message ?? ''}`);
  return done.stdout;
}

/** Whether a program is installed. */
function hasTool(command: string): boolean {
  return spawnSync('sh', ['-c', `command -v ${command}`]).status === 0;
}

/** Why a class cannot run here: the first tool that is missing, or the rights; undefined when it can. */
export function whyNot(tools: readonly string[], needsRoot = false): string | undefined {
  if (needsRoot && process.getuid?.() !== 0) return 'needs root to mount';
  const missing = tools.find((tool) => !hasTool(tool));
  return missing === undefined ? undefined : `needs ${missing}`;
}

/** Runs over all items, some at a time: faults wait for the disk more than they compute. */
export async function inLanes<T, R>(items: readonly T[], lanes: number, run: (item: T) => Promise<R>): Promise<readonly R[]> {
  const results: R[] = [];
  const left = items.entries();
  const lane = async (): Promise<void> => {
    for (const [at, item] of left) results[at] = await run(item);
  };
  await Promise.all(Array.from({ length: lanes }, lane));
  return results;
}
