import { PortkitError, systemCode } from '../../base/errors.ts';

/** Runs work on a file; what the system says against it gets a code. */
export async function onFile<T>(doing: string, path: string, work: () => T | Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    const code = error instanceof PortkitError ? undefined : systemCode(error);
    if (code === undefined || !/^E[A-Z0-9]+$/.test(code)) throw error;
    const full = code === 'ENOSPC' || code === 'EDQUOT';
    throw new PortkitError(full ? 'PK2007' : 'PK3912', `Cannot ${doing} ${path}: ${code}`, {
      hint: full ? 'Free space there' : 'Check what is there, and its owner and mode',
      cause: error,
    });
  }
}
