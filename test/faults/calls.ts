import { cpSync, readFileSync } from 'node:fs';
import { runWorker } from './process.ts';
import type { Task } from './process.ts';
import { withFolder } from './row.ts';

/** The calls by which a store changes; those that a machine's kernel does not have are passed over. */
const changing =
  'write pwrite64 fsync fdatasync rename renameat2 link linkat unlink unlinkat rmdir mkdir mkdirat ftruncate fchmod chmod symlink symlinkat';
/** The calls by which it is read. */
const reading = 'read pread64 readv preadv';

/** One system call of a job: the n-th of its name, counted in each thread as strace does. */
export interface Call {
  readonly name: string;
  readonly at: number;
  /** Whether it is on the file of a blob or pack. */
  readonly onBlobs: boolean;
  readonly error?: 'EIO' | 'ENOSPC' | 'EROFS';
}

/** Every call of a job on its store, found by running it once on a copy of `prepared`. */
export function callsOf(task: Omit<Task, 'root'>, prepared: string, kind: 'changing' | 'reading'): Promise<readonly Call[]> {
  return withFolder(async (folder) => {
    cpSync(prepared, folder, { recursive: true });
    const log = `${folder}.strace`;
    const names = kind === 'changing' ? changing : reading;
    const under = ['strace', '-f', '-qq', '-y', '-o', log, '-e', `trace=?${names.replaceAll(' ', ',?')}`];
    await runWorker({ ...task, root: `${folder}/store`, under: [...under] }, task.mutant === undefined);
    const text = readFileSync(log, 'latin1');
    return countCalls(text, `${folder}/`);
  });
}

function countCalls(log: string, folder: string): readonly Call[] {
  const counts = new Map<string, number>();
  const calls = new Map<string, Call>();
  for (const line of log.split('\n')) {
    const [, thread = '', name = ''] = /^(\d+) +([a-z0-9_]+)\(/.exec(line) ?? [];
    if (name === '') continue;
    const at = (counts.get(`${thread} ${name}`) ?? 0) + 1;
    counts.set(`${thread} ${name}`, at);
    if (line.includes(folder)) calls.set(`${name} ${at}`, { name, at, onBlobs: /\/v1\/(blobs|packs)\/./.test(line) });
  }
  return [...calls.values()];
}

/** The words before a worker that kill it at a call, or make the call fail; what was injected is written to `log`. */
export function injecting(call: Call, log: string): readonly string[] {
  const what = call.error === undefined ? 'signal=KILL' : `error=${call.error}`;
  const inject = `inject=${call.name}:${what}:when=${call.at}`;
  return ['strace', '-f', '-qq', '-y', '-o', log, '-e', `trace=${call.name}`, '-e', inject];
}

/** Whether a sync of the store's own files was made to fail, other than those of SQLite and of the session's lock. */
export function failedSync(log: string): boolean {
  return readFileSync(log, 'latin1')
    .split('\n')
    .some(
      (line) =>
        /fsync|fdatasync/.test(line) && line.includes('INJECTED') && /\/(blobs|packs|records|sessions\/s-[^/]+\/\d)/.test(line),
    );
}
