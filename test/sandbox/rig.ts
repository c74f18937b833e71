import { spawnSync } from 'node:child_process';
import { chmodSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Command, Ended, Executor } from '../../src/execution/executor.ts';
import { createLocalExecutor } from '../../src/execution/local.ts';
import { createSpawner } from '../../src/execution/spawner.ts';
import type { Spawner } from '../../src/execution/spawner.ts';
import { openStore } from '../../src/store/open.ts';
import type { Store } from '../../src/store/store.ts';

/** A real executor with a store of its own, for tests. */
export interface Rig extends AsyncDisposable {
  readonly folder: string;
  readonly store: Store;
  readonly spawner: Spawner;
  readonly executor: Executor;
}

/** Why there can be no sandbox here, or undefined. */
export function whyNoSandbox(): string | undefined {
  const tried = spawnSync('/usr/bin/bwrap', ['--unshare-user', '--ro-bind', '/', '/', '/bin/true'], { encoding: 'utf8' });
  if (tried.error !== undefined) return `bwrap cannot be run: ${tried.error.message}`;
  return tried.status === 0 ? undefined : `bwrap cannot make namespaces: ${tried.stderr.trim()}`;
}

/** Opens a rig in a new folder that everybody may pass through. */
export async function openRig(folder: string, keepBytes = 0): Promise<Rig> {
  chmodSync(folder, 0o711);
  const { signal } = new AbortController();
  const store = openStore(join(folder, 'store'), { now: () => 1 });
  const spawner = createSpawner({ folder });
  const folders = { scratch: join(folder, 'scratch'), caches: join(folder, 'caches') };
  const options = { store, spawner, folders, bwrap: '/usr/bin/bwrap', keepBytes };
  const executor = await createLocalExecutor(options, signal);
  return {
    folder,
    store,
    spawner,
    executor,
    async [Symbol.asyncDispose]() {
      await executor[Symbol.asyncDispose]();
      await spawner[Symbol.asyncDispose]();
      await store[Symbol.asyncDispose]();
    },
  };
}

/** A shell script as a command that is given nothing. */
export function script(text: string, change: Partial<Command> = {}): Command {
  const nothing = { inputs: [], root: 'host', env: {}, cwd: '/tmp', network: false, caches: [], secrets: [] } as const;
  return { argv: ['/bin/sh', '-c', text], ...nothing, ...change };
}

/** What a run came to. */
export interface Ran {
  readonly ended: Ended;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a command and keeps what it says. */
export async function run(executor: Executor, command: Command, signal = new AbortController().signal): Promise<Ran> {
  const said = { stdout: '', stderr: '' };
  const ended = await executor.run(command, {
    signal,
    output(stream, bytes) {
      said[stream] += Buffer.from(bytes).toString();
    },
  });
  return { ended, ...said };
}

/** How many processes of this machine have a word in their command line. */
export function countProcesses(word: string): number {
  const pids = readdirSync('/proc').filter((name) => /^\d+$/.test(name) && name !== String(process.pid));
  return pids.filter((pid) => argumentsOf(pid).includes(word)).length;
}

function argumentsOf(pid: string): readonly string[] {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0');
  } catch {
    return [];
  }
}

/** A script that leaves sleepers behind in every way there is; `word` marks them. */
export function sleepers(word: string): string {
  return `setsid sleep ${word} & nohup sleep ${word} >/dev/null 2>&1 & (sleep ${word} & (sleep ${word} &) ) & sleep ${word} & echo started`;
}
