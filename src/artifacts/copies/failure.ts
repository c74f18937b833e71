import { PortkitError, systemCode } from '../../base/errors.ts';
import { systemReason } from '../../base/system-reason.ts';
import { sqliteCode } from '../../store/disk/failure.ts';

/** Of the system, or of SQLite, whose files are the locks. */
function codeOf(error: unknown): string | undefined {
  if (sqliteCode(error) !== undefined) return error instanceof Error ? error.message : '';
  const code = systemCode(error) ?? '';
  return /^E[A-Z0-9]+$/.test(code) ? code : undefined;
}

/** Runs work on a file; what the system says against it gets a code. */
export async function onFile<T>(doing: string, path: string, work: () => T | Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    const code = error instanceof PortkitError ? undefined : codeOf(error);
    if (code === undefined) throw error;
    const full = code === 'ENOSPC' || code === 'EDQUOT';
    throw new PortkitError(full ? 'PK2007' : 'PK3912', `Cannot ${doing} ${path}: ${systemReason(error)}`, {
      hint: full ? 'Free space there' : 'Check what is there, and its owner and mode',
      cause: error,
    });
  }
}
