import { showBytes } from '../base/byte-string.ts';
import type { ByteString } from '../base/byte-string.ts';
import { PortkitError } from '../base/errors.ts';

/** The error for bytes that break the rules of tar. */
export function malformed(where: string, what: string): PortkitError {
  return new PortkitError('PK3301', `The archive is malformed at ${where}: ${what}`, {
    hint: 'It may be cut off, damaged, still compressed, or of another format: compare its digest with what its author says',
  });
}

/** The error for an archive that is well-formed and still not taken. */
export function refused(where: string, what: string): PortkitError {
  return new PortkitError('PK3302', `The archive is refused at ${where}: ${what}`);
}

/** The error for an archive beyond a limit. */
export function tooMuch(where: string, what: string): PortkitError {
  return new PortkitError('PK3303', `The archive is too large at ${where}: ${what}`);
}

/** A name as it stands in messages. */
export function show(name: ByteString): string {
  return JSON.stringify(showBytes(name).slice(0, 200));
}
