import { mkdtempSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { PortkitError } from '../../base/errors.ts';
import { sqliteCode } from './failure.ts';
import type { Index } from './index-db.ts';
import type { Layout } from './layout.ts';
import { toTrash } from './trash.ts';

/**
 * A process at work in the store: a private folder for its unfinished files, and a lock that the kernel frees when the
 * process ends, however it ends. No pid file, no time-out, nothing to refresh.
 */
export interface Session extends Disposable {
  readonly name: string;
  /** A new path for an unfinished file. */
  temporary(): string;
}

/** Starts a session; made under the write lock, so that nobody reaps it before its lock is taken. */
export function startSession(layout: Layout, index: Index): Session {
  const { name, lock } = index.write('start a session', () => {
    const folder = mkdtempSync(join(layout.sessions, 's-'));
    const held = new DatabaseSync(join(folder, 'lock'));
    held.exec('PRAGMA journal_mode = MEMORY; BEGIN EXCLUSIVE');
    const base = folder.slice(layout.sessions.length + 1);
    index.sql('INSERT INTO sessions VALUES (?, ?)').run(base, index.bump('era'));
    return { name: base, lock: held };
  });
  let count = 0;
  return {
    name,
    temporary() {
      count += 1;
      return join(layout.sessions, name, String(count));
    },
    [Symbol.dispose]() {
      try {
        // The lock is let go of under the write lock: before it, a collection would reap this session a second time.
        index.write('end a session', () => {
          lock.close();
          reap(layout, index, name);
        });
      } catch (error) {
        // A disk that fails or is full must not turn finished work into a failure: the next collection reaps what is left.
        if (!(error instanceof PortkitError)) throw error;
      } finally {
        if (lock.isOpen) lock.close();
      }
    },
  };
}

/** Clears away what ended processes left; answers how many. */
export function reapSessions(layout: Layout, index: Index): number {
  return index.write('reap ended sessions', () => {
    const dead = readdirSync(layout.sessions).filter((name) => !isAlive(join(layout.sessions, name)));
    for (const name of dead) reap(layout, index, name);
    const known = index.sql('SELECT name FROM sessions').all();
    const here = new Set(readdirSync(layout.sessions));
    for (const row of known) if (!here.has(String(row['name']))) forget(index, String(row['name']));
    return dead.length;
  });
}

function reap(layout: Layout, index: Index, name: string): void {
  forget(index, name);
  toTrash(layout, join(layout.sessions, name));
}

function forget(index: Index, name: string): void {
  index.sql('DELETE FROM holds WHERE session = ?').run(name);
  index.sql('DELETE FROM sessions WHERE name = ?').run(name);
}

function isAlive(folder: string): boolean {
  let lock: DatabaseSync | undefined;
  try {
    lock = new DatabaseSync(join(folder, 'lock'), { timeout: 0 });
    lock.exec('BEGIN IMMEDIATE; ROLLBACK');
    return false;
  } catch (error) {
    return (sqliteCode(error) ?? 0) === 5;
  } finally {
    lock?.close();
  }
}
