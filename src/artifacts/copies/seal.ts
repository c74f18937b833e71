import { readFileSync } from 'node:fs';
import { digestFromHex, hexOf } from '../../base/digest.ts';
import type { Digest } from '../../base/digest.ts';
import { findFile, nameOf } from './folder.ts';
import type { Place } from './folder.ts';
import { stage } from './staged.ts';

/** The digests that the bytes beside a seal may have; undefined when there is no seal. */
export type Seal = readonly Digest[] | 'malformed' | undefined;

/** Writes the digests that the bytes of a file may have. */
export async function writeSeal(place: Place, digests: readonly Digest[], signal: AbortSignal): Promise<void> {
  const text = [...new Set(digests)].map((digest) => `${hexOf(digest)}  ${nameOf(place)}\n`).join('');
  using seal = await stage(sealOf(place), once(Buffer.from(text)), signal);
  seal.publish();
}

function sealOf({ root, path }: Place): Place {
  return { root, path: `${path}.sha256` };
}

/** Two lines are the most that publishing writes; a seal that was cut off again and again has some more. */
const mostSeal = 65_536;

/** The digests beside a file; undefined when there is no seal. */
export function readSeal(place: Place): Seal {
  const path = findFile(sealOf(place));
  if (path === undefined) return undefined;
  const text = readFileSync(path, 'utf8');
  const digests = text
    .slice(0, mostSeal)
    .split('\n')
    .slice(0, -1)
    .map((line) => {
      const [, hex, name] = /^([0-9a-f]{64}) [ *](.+)$/.exec(line) ?? [];
      return hex !== undefined && name === nameOf(place) ? digestFromHex(hex) : undefined;
    });
  const good = digests.filter((digest) => digest !== undefined);
  return good.length === digests.length && good.length > 0 && text.endsWith('\n') ? good : 'malformed';
}

/** What speaks against bytes of this digest; undefined when nothing does. */
export function whyWrong(digest: Digest, seal: Seal): string | undefined {
  if (seal === undefined || seal.includes(digest)) return undefined;
  if (seal === 'malformed') return 'the file with its digest is malformed';
  return `expected ${seal.join(' or ')}, got ${digest}`;
}

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}
