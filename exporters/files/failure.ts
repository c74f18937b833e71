import { PortkitError, systemCode } from '../../src/base/errors.ts';
import { systemReason } from '../../src/base/system-reason.ts';

/** The coded form of a system error met at a destination; other errors come back unchanged. */
export function destinationFailure(error: unknown, destination: string): unknown {
  const code = error instanceof PortkitError ? undefined : systemCode(error);
  if (code === undefined || !/^E[A-Z0-9]+$/.test(code)) return error;
  if (code === 'ENOSPC' || code === 'EDQUOT') {
    return new PortkitError('PK2007', `There is no space for the output at ${destination}`, {
      hint: 'Free space there, or pick less with target= or src=',
      cause: error,
    });
  }
  return new PortkitError('PK3406', `Cannot write the output at ${destination}: ${systemReason(error)}`, {
    hint: 'Check the owner, mode and file system of the destination',
    cause: error,
  });
}
