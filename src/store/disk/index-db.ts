import { lstatSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import type { SQLInputValue, SQLOutputValue, StatementResultingChanges, StatementSync } from 'node:sqlite';
import { pathToFileURL } from 'node:url';
import { PortkitError } from '../../base/errors.ts';
import { coded, sqliteCode, storeFailure } from './failure.ts';

const schema = `
  CREATE TABLE IF NOT EXISTS meta (name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS packs (id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL UNIQUE, size INTEGER NOT NULL);
  CREATE TABLE IF NOT EXISTS blobs (digest BLOB PRIMARY KEY, size INTEGER NOT NULL, pack INTEGER, at INTEGER NOT NULL,
    used INTEGER NOT NULL, era INTEGER NOT NULL) WITHOUT ROWID;
  CREATE INDEX IF NOT EXISTS blobs_by_pack ON blobs (pack) WHERE pack IS NOT NULL;
  CREATE TABLE IF NOT EXISTS actions (key BLOB PRIMARY KEY, record TEXT NOT NULL, used INTEGER NOT NULL) WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS tags (name TEXT PRIMARY KEY, kind TEXT NOT NULL, digest BLOB NOT NULL) WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS sessions (name TEXT PRIMARY KEY, era INTEGER NOT NULL) WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS holds (session TEXT NOT NULL, lease TEXT NOT NULL, digest BLOB NOT NULL, kind TEXT NOT NULL,
    PRIMARY KEY (session, lease, digest)) WITHOUT ROWID;
  INSERT OR IGNORE INTO meta VALUES ('generation', 0), ('era', 1), ('sequence', 0);
  PRAGMA user_version = 1;`;

/** A statement; parameters by position. */
interface Statement {
  get(...values: readonly SQLInputValue[]): Record<string, SQLOutputValue> | undefined;
  all(...values: readonly SQLInputValue[]): Record<string, SQLOutputValue>[];
  run(...values: readonly SQLInputValue[]): StatementResultingChanges;
}

function codedStatement(prepare: () => StatementSync): Statement {
  const doing = 'use the store index';
  const statement = coded(doing, prepare);
  return {
    get: (...values) => coded(doing, () => statement.get(...values)),
    all: (...values) => coded(doing, () => statement.all(...values)),
    run: (...values) => coded(doing, () => statement.run(...values)),
  };
}

/** The SQLite file: rows are written in one transaction a wave, each commit fsynced (`synchronous=FULL`). */
export interface Index extends Disposable {
  readonly readOnly: boolean;
  /** True when this call made the file: whatever is on disk is not in it yet. */
  readonly fresh: boolean;
  /** A prepared statement, kept; its failures have codes. */
  sql(text: string): Statement;
  /** Runs synchronous work under the one write lock that all processes share, and commits it durably. */
  write<T>(doing: string, work: () => T): T;
  /** Like `write`, but the commit may be lost in a power cut (never half of it): for last-use times. */
  writeLazily(work: () => void): void;
  number(name: 'generation' | 'era' | 'sequence'): number;
  bump(name: 'generation' | 'era'): number;
  setNumber(name: 'sequence', value: number): void;
}

/** Opens or makes the index; waits at most `lockWaitMs` for other processes' transactions. */
export function openIndex(path: string, options: { lockWaitMs: number; readOnly: boolean }): Index {
  const there = lstatSync(path, { throwIfNoEntry: false });
  if (there?.isFile() === false) {
    throw new PortkitError('PK2010', `The store index ${path} is not a file`, { hint: 'Run "portkit cache rebuild-index"' });
  }
  const fresh = there === undefined;
  const db = coded(`open the store index ${path}`, () => connect(path, options));
  const statements = new Map<string, Statement>();
  function sql(text: string): Statement {
    const known = statements.get(text);
    if (known !== undefined) return known;
    const made = codedStatement(() => db.prepare(text));
    statements.set(text, made);
    return made;
  }
  function write<T>(doing: string, work: () => T): T {
    try {
      db.exec('BEGIN IMMEDIATE');
      const result = work();
      db.exec('COMMIT');
      return result;
    } catch (error) {
      if (db.isTransaction) db.exec('ROLLBACK');
      throw storeFailure(error, doing);
    }
  }
  function number(name: string): number {
    return Number(sql('SELECT value FROM meta WHERE name = ?').get(name)?.['value'] ?? 0);
  }
  return {
    readOnly: options.readOnly,
    fresh,
    sql,
    write,
    writeLazily(work) {
      db.exec('PRAGMA synchronous = NORMAL');
      try {
        write('note last uses', work);
      } finally {
        db.exec('PRAGMA synchronous = FULL');
      }
    },
    number,
    bump(name) {
      sql('UPDATE meta SET value = value + 1 WHERE name = ?').run(name);
      return number(name);
    },
    setNumber(name, value) {
      sql('UPDATE meta SET value = ? WHERE name = ?').run(value, name);
    },
    [Symbol.dispose]() {
      if (db.isOpen) db.close();
    },
  };
}

function connect(path: string, options: { lockWaitMs: number; readOnly: boolean }): DatabaseSync {
  if (options.readOnly) return connectReadOnly(path, options.lockWaitMs);
  const db = new DatabaseSync(path, { timeout: options.lockWaitMs });
  try {
    turnToWal(db, options.lockWaitMs);
    const version = Number(db.prepare('PRAGMA user_version').get()?.['user_version']);
    if (version !== 1) db.exec(`BEGIN IMMEDIATE; ${schema} COMMIT`);
    return db;
  } catch (error) {
    db.close();
    throw error;
  }
}

/** Milliseconds between two tries. */
const pause = 5;

/**
 * Two processes that make one store at the same time both turn the new file to WAL, and SQLite does not wait for the other
 * there as it does elsewhere: it says at once that the file is locked.
 */
function turnToWal(db: DatabaseSync, lockWaitMs: number): void {
  const sleeper = new Int32Array(new SharedArrayBuffer(4));
  db.exec('PRAGMA busy_timeout = 0');
  for (let waited = 0; ; waited += pause) {
    try {
      db.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL');
      break;
    } catch (error) {
      if (((sqliteCode(error) ?? 0) & 0xff) !== 5 || waited >= lockWaitMs) throw error;
      Atomics.wait(sleeper, 0, 0, pause);
    }
  }
  db.exec(`PRAGMA busy_timeout = ${lockWaitMs}`);
}

/** A WAL file needs a shared-memory file beside it; where that cannot be made, nobody can be writing either. */
function connectReadOnly(path: string, timeout: number): DatabaseSync {
  const db = new DatabaseSync(path, { readOnly: true, timeout });
  try {
    return finished(db, path);
  } catch (error) {
    db.close();
    const code = sqliteCode(error);
    if (code === undefined || ![8, 10, 14].includes(code & 0xff)) throw error;
    const url = pathToFileURL(path);
    url.searchParams.set('immutable', '1');
    return finished(new DatabaseSync(url, { readOnly: true }), path);
  }
}

function finished(db: DatabaseSync, path: string): DatabaseSync {
  if (Number(db.prepare('PRAGMA user_version').get()?.['user_version']) === 1) return db;
  throw new PortkitError('PK2006', `The store index ${path} was never finished`, { hint: 'Open the store for writing once' });
}
