import { spawn, spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const worker = fileURLToPath(new URL('worker.ts', import.meta.url));

/** A worker that runs, and the complete lines it has said so far. */
export interface Running {
  readonly lines: () => readonly string[];
  kill(): void;
  /** The exit status, once all its output is in; `null` when a signal ended it. */
  readonly ended: Promise<number | null>;
  /** Resolves when this many lines are in, or the worker has ended. */
  reached(count: number): Promise<void>;
}

/** Starts a worker, under other commands when `before` names them; killed after two minutes in any case. */
export function startWorker(args: readonly string[], before: readonly string[] = []): Running {
  const [command = '', ...rest] = [...before, process.execPath, worker, ...args];
  const child = spawn(command, rest, {
    stdio: ['ignore', 'pipe', 'ignore'],
    env: { PATH: process.env['PATH'], UV_THREADPOOL_SIZE: '1' },
    timeout: 120_000,
    killSignal: 'SIGKILL',
  });
  let text = '';
  const waiting: { readonly count: number; readonly go: () => void }[] = [];
  const lines = (): readonly string[] => text.split('\n').slice(0, -1);
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
    text += chunk;
    const count = lines().length;
    for (const one of waiting) if (count >= one.count) one.go();
  });
  const ended = new Promise<number | null>((resolve) => {
    child.once('close', (code) => {
      for (const one of waiting) one.go();
      resolve(code);
    });
  });
  return {
    lines,
    ended,
    kill: () => void child.kill('SIGKILL'),
    reached: (count) => new Promise((go) => (lines().length >= count ? go() : void waiting.push({ count, go }))),
  };
}

/** Runs a program to its end; throws with its words when it fails. */
export function runTool(command: string, ...args: readonly string[]): string {
  const done = spawnSync(command, args, { encoding: 'utf8', timeout: 60_000 });
  if (done.status !== 0) throw new Error(`${command} ${args.join(' ')} failed: ${done.stderr}${done.error?.message ?? ''}`);
  return done.stdout;
}

/** Whether a program is installed. */
export function hasTool(command: string): boolean {
  return spawnSync('sh', ['-c', `command -v ${command}`]).status === 0;
}
