import { createHash } from 'node:crypto';
import { PortkitError } from '../../base/errors.ts';

/** What bytes must hash to. */
export interface Checksum {
  readonly algorithm: 'sha256' | 'sha512';
  readonly hex: string;
}

const form = /^(?:(?<short>sha256):[0-9a-f]{64}|sha512:[0-9a-f]{128})$/;

/** A checksum from a definition; anything but the one spelling is refused (PK1002). */
export function parseChecksum(text: string): Checksum {
  const match = form.exec(text);
  if (match === null) {
    throw new PortkitError('PK1002', `Malformed digest ${JSON.stringify(text.slice(0, 160))}`, {
      hint: 'Write "sha256:" and 64, or "sha512:" and 128 lower-case hex digits',
    });
  }
  return { algorithm: match.groups?.['short'] === undefined ? 'sha512' : 'sha256', hex: text.slice(7) };
}

/** A checksum as it is written. */
export function showChecksum({ algorithm, hex }: Checksum): string {
  return `${algorithm}:${hex}`;
}

/** Thrown in place of the end of content that is not what was expected. */
export class WrongContent extends Error {
  override readonly name = 'WrongContent';
  readonly found: Checksum;

  constructor(found: Checksum) {
    super(`The content is ${showChecksum(found)}`);
    this.found = found;
  }
}

/** Passes content on and, in the place of its end, throws `WrongContent` when it does not have the checksum. */
export async function* checked(content: AsyncIterable<Uint8Array>, expected: Checksum): AsyncGenerator<Uint8Array> {
  const hash = createHash(expected.algorithm);
  for await (const chunk of content) {
    hash.update(chunk);
    yield chunk;
  }
  const found = { algorithm: expected.algorithm, hex: hash.digest('hex') };
  if (found.hex !== expected.hex) throw new WrongContent(found);
}
