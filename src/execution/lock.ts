import { DatabaseSync } from 'node:sqlite';
import { setTimeout } from 'node:timers/promises';
import { sqliteCode } from '../store/disk/failure.ts';

/** SQLITE_BUSY (https://sqlite.org/rescode.html). */
const busy = 5;
const patienceMs = 25;

/** Takes a lock that the kernel frees when this process ends, however it ends; undefined when somebody has it. */
export function tryLock(path: string): Disposable | undefined {
  const database = new DatabaseSync(path, { timeout: 0 });
  try {
    database.exec('PRAGMA journal_mode = MEMORY; BEGIN EXCLUSIVE');
    return { [Symbol.dispose]: () => database.close() };
  } catch (error) {
    database.close();
    if (((sqliteCode(error) ?? 0) & 0xff) === busy) return undefined;
    throw error;
  }
}

/** Waits for a lock. */
export async function takeLock(path: string, signal: AbortSignal): Promise<Disposable> {
  for (;;) {
    signal.throwIfAborted();
    const lock = tryLock(path);
    if (lock !== undefined) return lock;
    await setTimeout(patienceMs, undefined, { signal }).catch(() => signal.throwIfAborted());
  }
}
