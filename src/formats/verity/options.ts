import { createHash } from 'node:crypto';
import { PortkitError } from '../../base/errors.ts';
import { asUuid, parseUuid, uuidForm } from '../uuid.ts';

/** Bytes of a block of data and of one of hashes. */
export const blockSize = 4096;
/** Hashes of larger images would not be kept in memory. */
const maxSize = 16 * 2 ** 30;
const maxSalt = 256;

/** What a hash tree is made for, and how. */
export interface VerityOptions {
  /** Bytes of the data. */
  readonly size: number;
  /** What names the data, such as its digest: salt and UUID are derived from it. */
  readonly identity: string;
  /** Hex digits; empty for none. */
  readonly salt?: string;
  readonly uuid?: string;
}

/** The same, checked and with what is derived. */
export interface VerityParameters {
  readonly blocks: number;
  readonly salt: Buffer;
  readonly uuid: Buffer;
}

/** Throws (PK3753) when there is no hash tree for this. */
export function verityParameters({ size, identity, salt, uuid }: VerityOptions): VerityParameters {
  if (!Number.isSafeInteger(size) || size <= 0 || size % blockSize !== 0)
    throw refused(`an image of ${size} bytes has no whole blocks`, `A multiple of ${blockSize} bytes`);
  if (size > maxSize) throw refused(`an image of ${size} bytes is too large`, `At most ${maxSize} bytes`);
  if (salt !== undefined && (!/^(?:[0-9a-f]{2})*$/i.test(salt) || salt.length > 2 * maxSalt))
    throw refused('the salt is not understood', `At most ${maxSalt} bytes as hex digits`);
  if (uuid !== undefined && !uuidForm.test(uuid))
    throw refused('the UUID is not understood', 'Like 01234567-89ab-cdef-0123-456789abcdef');
  return {
    blocks: size / blockSize,
    salt: salt === undefined ? derive('salt', identity) : Buffer.from(salt, 'hex'),
    uuid: uuid === undefined ? asUuid(derive('uuid', identity).subarray(0, 16)) : parseUuid(uuid),
  };
}

function derive(what: string, identity: string): Buffer {
  return createHash('sha256')
    .update(JSON.stringify(['portkit verity 1', what, identity]))
    .digest();
}

/** The error for data that no hash tree can be made for. */
export function refused(why: string, hint?: string): PortkitError {
  return new PortkitError('PK3753', `The hash tree cannot be made: ${why}`, hint === undefined ? {} : { hint });
}
