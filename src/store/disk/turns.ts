import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { hexOf } from '../../base/digest.ts';
import type { Digest } from '../../base/digest.ts';
import { coded, sqliteCode, storeFailure } from './failure.ts';

/** Tries to get the turn for a key: undefined while another process has it. */
export type TakeTurn = (key: Digest) => Disposable | undefined;

interface Held {
  readonly lock: DatabaseSync;
  users: number;
}

/**
 * Turns between processes. A lock file stands for many keys (two hex digits of them), so that the files can stay and nobody
 * ever locks one that another is removing; who holds one never waits for a second, so nobody waits in a circle. The
 * kernel frees the lock when its process ends, however it ends. Within a process all share what is held.
 */
export function createTurns(folder: string): { readonly take: TakeTurn } & Disposable {
  const held = new Map<string, Held>();
  let isMade = false;
  function lockFile(name: string): Held | undefined {
    if (!isMade) coded('make the folder of turns', () => mkdirSync(folder, { recursive: true, mode: 0o700 }));
    isMade = true;
    const lock = coded('open the file of a turn', () => new DatabaseSync(join(folder, name), { timeout: 0 }));
    try {
      lock.exec('PRAGMA journal_mode = MEMORY; BEGIN EXCLUSIVE');
      return { lock, users: 0 };
    } catch (error) {
      lock.close();
      if (sqliteCode(error) === 5) return undefined;
      throw storeFailure(error, 'take a turn');
    }
  }
  return {
    take(key) {
      const name = hexOf(key).slice(0, 2);
      const one = held.get(name) ?? lockFile(name);
      if (one === undefined) return undefined;
      held.set(name, one);
      one.users += 1;
      return {
        [Symbol.dispose]() {
          one.users -= 1;
          if (one.users > 0) return;
          held.delete(name);
          one.lock.close();
        },
      };
    },
    [Symbol.dispose]() {
      for (const { lock } of held.values()) lock.close();
      held.clear();
    },
  };
}
