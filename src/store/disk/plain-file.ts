import { constants } from 'node:fs';
import { systemCode } from '../../base/errors.ts';

/** Flags that open a regular file for reading; a link is refused, and a FIFO in its place never blocks. */
export const plainFile = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;

/** Whether an error of opening or reading says that something else stands where a regular file should be. */
export function isOtherKind(error: unknown): boolean {
  return ['EISDIR', 'ELOOP', 'ENXIO', 'ESPIPE'].includes(systemCode(error) ?? '');
}
