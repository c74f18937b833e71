import { PortkitError, systemCode } from '../../base/errors.ts';
import { systemReason } from '../../base/system-reason.ts';
import { sqliteCode } from '../../store/disk/failure.ts';

/** Of the system, or of SQLite, whose files are the locks. */
function reasonOf(error: unknown): string | undefined {
  if (sqliteCode(error) !== undefined) return error instanceof Error ? error.message : '';
  return /^E[A-Z0-9]+$/.test(systemCode(error) ?? '') ? systemReason(error) : undefined;
}

/** Runs work on a file; what the system says against it gets a code. */
export async function onFile<T>(doing: string, path: string, work: () => T | Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    const reason = error instanceof PortkitError ? undefined : reasonOf(error);
    if (reason === undefined) throw error;
    const full = ['ENOSPC', 'EDQUOT'].includes(systemCode(error) ?? '');
    throw new PortkitError(full ? 'PK2007' : 'PK3912', `Cannot ${doing} ${path}: ${reason}`, {
      hint: full ? 'Free space there' : 'Check what is there, and its owner and mode',
      cause: error,
    });
  }
}
