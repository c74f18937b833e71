import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { digestFromHex } from '../../base/digest.ts';
import type { Digest } from '../../base/digest.ts';
import { PortkitError } from '../../base/errors.ts';
import { onFile } from './failure.ts';
import { findFile, showPlace } from './folder.ts';
import type { Place } from './folder.ts';
import { chunksOf, factsOf } from './read.ts';
import { readSeal, whyWrong, writeSeal } from './seal.ts';
import type { Seal } from './seal.ts';
import type { FileFacts, Staged } from './staged.ts';

/** Takes a lock that is a file; another process that wants it waits. */
export type TakeLock = (path: string, signal: AbortSignal) => Promise<Disposable>;

/** What publishing takes. */
export interface Publishing {
  /** The folder that holds the lock. */
  readonly folder: string;
  readonly takeLock: TakeLock;
  readonly signal: AbortSignal;
}

/** What was found of a stored file; an `unsealed` one was stored by something else, and there is nothing to compare with. */
export type Examined =
  | { readonly state: 'absent' }
  | ({ readonly state: 'whole' | 'unsealed' } & FileFacts)
  | ({ readonly state: 'damaged'; readonly why: string } & FileFacts);

/** A stored file that is being read. */
export interface Sealed {
  /** Whether its digest was kept. */
  readonly sealed: boolean;
  /** The bytes; instead of ending it throws PK3910 when they are not those of the seal. */
  readonly content: AsyncIterable<Uint8Array>;
}

/** Makes staged files visible with their seals. */
export async function publishSealed(files: readonly Staged[], publishing: Publishing): Promise<void> {
  const { folder, takeLock, signal } = publishing;
  using _ = await onFile('lock', folder, () => takeLock(join(folder, '.portkit-lock'), signal));
  for (const file of files) {
    await onFile('write', showPlace(file.place), async () => {
      const before = await digestsThere(file.place, signal);
      await writeSeal(file.place, [file.digest, ...before], signal);
      file.publish();
      if (before.some((digest) => digest !== file.digest)) await writeSeal(file.place, [file.digest], signal);
    });
  }
}

/** The digests that what is there may have: those of its seal, or that of its bytes when it has none. */
async function digestsThere(place: Place, signal: AbortSignal): Promise<readonly Digest[]> {
  const seal = readSeal(place);
  if (seal === 'malformed') return [];
  if (seal !== undefined) return seal;
  const facts = await factsOf(place, signal);
  return facts === undefined ? [] : [facts.digest];
}

/** Begins to read a stored file; undefined when it is not there. */
export async function openSealed(place: Place, signal: AbortSignal): Promise<Sealed | undefined> {
  const seal = await onFile('read', showPlace(place), () => readSeal(place));
  const path = await onFile('read', showPlace(place), () => findFile(place));
  if (path === undefined) return undefined;
  return { sealed: seal !== undefined, content: verified(path, { place, seal, signal }) };
}

async function* verified(
  path: string,
  { place, seal, signal }: { place: Place; seal: Seal; signal: AbortSignal },
): AsyncGenerator<Uint8Array> {
  const hash = createHash('sha256');
  for await (const chunk of chunksOf(path, signal)) {
    hash.update(chunk);
    yield chunk;
  }
  const digest = digestFromHex(hash.digest('hex'));
  const why = whyWrong(digest, seal) && whyWrong(digest, readSeal(place));
  if (why === undefined) return;
  throw new PortkitError('PK3910', `${showPlace(place)} is damaged: ${why}`, {
    hint: 'It was not used: push the variant again from where it is whole, or restore the file',
  });
}

/** Looks at a stored file, all of its bytes included. */
export function examine(place: Place, signal: AbortSignal): Promise<Examined> {
  return onFile('read', showPlace(place), async () => {
    const seal = readSeal(place);
    const facts = await factsOf(place, signal);
    if (facts === undefined) return { state: 'absent' };
    const why = whyWrong(facts.digest, seal) && whyWrong(facts.digest, readSeal(place));
    if (why !== undefined) return { state: 'damaged', why, ...facts };
    return { state: seal === undefined ? 'unsealed' : 'whole', ...facts };
  });
}
