import { showBytes } from '../../base/byte-string.ts';
import type { ByteString } from '../../base/byte-string.ts';
import { PortkitError } from '../../base/errors.ts';

/** The error for a path that ext4 cannot hold. */
export function cannotHold(path: ByteString, why: string): PortkitError {
  return new PortkitError('PK3501', `"/${showBytes(path)}" cannot be written to an ext4 image: ${why}`);
}
