import type { PublicKey, VerifyMessageResult } from 'openpgp';
import { PortkitError } from '../../base/errors.ts';

type Verification = VerifyMessageResult['signatures'][number];

/** What a detached signature must be for content to be believed. */
export interface SignedBy {
  readonly signature: Uint8Array;
  /** Public keys, armoured or binary; those that are not pinned are ignored. */
  readonly keys: readonly Uint8Array[];
  /** Fingerprints of the primary keys that may sign. */
  readonly fingerprints: readonly string[];
  /** What errors name. */
  readonly shown: string;
  readonly now: Date;
  /**
   * Whether the content is also pinned by its digest. If not, the key must still be valid now: whoever has an expired key
   * can date a signature back.
   */
  readonly pinned: boolean;
}

/** The spelling of a fingerprint in keys: 40 or 64 lower-case hex digits; anything else is refused (PK3207). */
export function parseFingerprint(text: string): string {
  const hex = text.replaceAll(/[ :]/g, '').toLowerCase();
  if (!/^(?:[0-9a-f]{40}|[0-9a-f]{64})$/.test(hex)) {
    throw new PortkitError('PK3207', `Malformed fingerprint ${JSON.stringify(text.slice(0, 100))}`, {
      hint: 'Give all 40 (or 64) hex digits; a short key id can be forged',
    });
  }
  return hex;
}

/** Throws PK3206 unless a pinned key made this signature over this content; answers the fingerprint of that key. */
export async function verifySignature(content: AsyncIterable<Uint8Array>, by: SignedBy): Promise<string> {
  const { createMessage, verify } = await import('openpgp');
  const keys = await pinnedKeys(by);
  const signature = await readDetached(by);
  const trouble: { error?: unknown } = {};
  const message = await createMessage({ binary: ReadableStream.from(watched(content, trouble)) });
  const result = await verify({ message, signature, verificationKeys: keys, format: 'binary', date: by.now });
  // openpgp hashes what is read here, and swaps the reader of the stream, but not its iterator.
  const reader = result.data.getReader();
  while (!(await reader.read().catch(() => ({ done: true }))).done);
  const problems: string[] = [];
  for (const one of result.signatures) {
    const key = keys.find((candidate) => candidate.getKeys(one.keyID).length > 0);
    const problem = key === undefined ? 'it was made by another key' : await problemWith(one, key, by);
    if ('error' in trouble) throw trouble.error;
    if (key !== undefined && problem === undefined) return key.getFingerprint();
    problems.push(problem ?? '');
  }
  throw refused(by, problems[0] ?? 'it holds no signature');
}

/** Keeps the error of content that cannot be read: it is no statement about the signature. */
async function* watched(content: AsyncIterable<Uint8Array>, trouble: { error?: unknown }): AsyncGenerator<Uint8Array> {
  try {
    yield* content;
  } catch (error) {
    trouble.error = error;
    throw error;
  }
}

async function problemWith(one: Verification, key: PublicKey, { pinned, now }: SignedBy): Promise<string | undefined> {
  try {
    await one.verified;
    if (await key.isRevoked(undefined, undefined, now)) return 'the key is revoked';
    if (!pinned) await key.getSigningKey(one.keyID, now);
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

async function pinnedKeys({ keys, fingerprints, shown }: SignedBy): Promise<PublicKey[]> {
  const { readKeys } = await import('openpgp');
  const pinned = new Set(fingerprints.map(parseFingerprint));
  const found: PublicKey[] = [];
  for (const bytes of keys) {
    const text = Buffer.from(bytes).toString('latin1');
    const read = text.trimStart().startsWith('-----BEGIN PGP')
      ? readKeys({ armoredKeys: text })
      : readKeys({ binaryKeys: bytes });
    const all = await read.catch((error: unknown) => {
      throw new PortkitError('PK3207', `A public key for ${shown} cannot be read`, { cause: error });
    });
    found.push(...all.filter((key) => pinned.has(key.getFingerprint())));
  }
  if (found.length > 0) return found;
  throw new PortkitError('PK3207', `No public key for ${shown} has a pinned fingerprint`, {
    hint: `Pinned: ${[...pinned].join(', ')}`,
  });
}

async function readDetached(by: SignedBy) {
  const { readSignature } = await import('openpgp');
  const text = Buffer.from(by.signature).toString('latin1');
  try {
    const armoured = text.trimStart().startsWith('-----BEGIN PGP');
    return await (armoured ? readSignature({ armoredSignature: text }) : readSignature({ binarySignature: by.signature }));
  } catch (error) {
    throw refused(by, `it cannot be read (${error instanceof Error ? error.message : String(error)})`);
  }
}

function refused({ shown }: SignedBy, why: string): PortkitError {
  return new PortkitError('PK3206', `The signature of ${shown} does not hold: ${why}`, {
    hint: 'The content was not used; ask its makers before you trust another key',
  });
}
