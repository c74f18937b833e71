import { PortkitError, systemCode } from '../../base/errors.ts';

const bySystemCode: Readonly<Record<string, ['PK2007' | 'PK2008' | 'PK2009', string]>> = {
  ENOSPC: ['PK2007', 'Free space, or run "portkit cache prune --min-free 1GiB"'],
  EDQUOT: ['PK2007', 'The quota is used up: free space, or choose another root with --root'],
  EROFS: ['PK2008', 'The file system is read-only: choose another root with --root'],
  EACCES: ['PK2008', 'Check the owner and mode of the store root, or choose another with --root'],
  EPERM: ['PK2008', 'Check the owner and mode of the store root, or choose another with --root'],
  EMFILE: ['PK2008', 'Too many open files: raise the limit with "ulimit -n"'],
  ENFILE: ['PK2008', 'Too many open files on this machine'],
  EIO: ['PK2009', 'Look at the kernel log for errors of the disk'],
};

/** SQLite's primary result codes that mean something to a user (https://sqlite.org/rescode.html). */
const bySqliteCode: Readonly<Record<number, ['PK2004' | 'PK2007' | 'PK2008' | 'PK2009' | 'PK2010', string]>> = {
  5: ['PK2004', 'Another portkit process holds the store: wait for it, or end it'],
  6: ['PK2004', 'Another portkit process holds the store: wait for it, or end it'],
  8: ['PK2008', 'The store index is read-only: check its owner and mode'],
  10: ['PK2009', 'Look at the kernel log for errors of the disk'],
  11: ['PK2010', 'Run "portkit cache rebuild-index": it makes the index anew from what is on disk'],
  13: ['PK2007', 'Free space, or run "portkit cache prune --min-free 1GiB"'],
  14: ['PK2008', 'The store index cannot be opened: check the owner and mode of the store root'],
  26: ['PK2010', 'Run "portkit cache rebuild-index": it makes the index anew from what is on disk'],
};

/** The coded form of a system or SQLite error met while doing something to a thing; other errors come back unchanged. */
export function storeFailure(error: unknown, doing: string): unknown {
  if (error instanceof PortkitError) return error;
  const sqlite = sqliteCode(error);
  const known = sqlite === undefined ? bySystemCode[systemCode(error) ?? ''] : bySqliteCode[sqlite & 0xff];
  if (known === undefined) return error;
  return new PortkitError(known[0], `Cannot ${doing}`, { hint: known[1], cause: error });
}

/** The result code of an SQLite error, else undefined. */
export function sqliteCode(error: unknown): number | undefined {
  if (!(error instanceof Error) || !('errcode' in error)) return undefined;
  return typeof error.errcode === 'number' ? error.errcode : undefined;
}

/** Runs `work`, giving its failure a code. */
export function coded<T>(doing: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    throw storeFailure(error, doing);
  }
}
