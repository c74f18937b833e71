import { PortkitError } from '../../base/errors.ts';
import { parseOciDigest } from '../model/digest.ts';
import type { OciDigest } from '../model/digest.ts';
import type { Descriptor } from '../model/descriptor.ts';
import type { BlobSource } from '../model/ports.ts';
import type { Hop } from './hops.ts';
import type { Answer } from '../../http/call.ts';
import { refusalOf } from './refusal.ts';
import { PassingFailure } from './retry.ts';
import type { Ask, Session } from './session.ts';

/** A blob on its way. */
export interface Upload {
  readonly descriptor: Descriptor;
  readonly source: BlobSource;
  readonly signal: AbortSignal;
}

/** Where an upload goes on, and what the registry said about chunks. */
export interface UploadPlace {
  readonly hop: Hop;
  readonly leastChunk: number;
}

/** How long the end of an upload that came to nothing is waited for. */
const farewellMs = 1000;

/** Whether the blob is there. */
export async function hasBlob(session: Session, { digest, size }: Descriptor, signal: AbortSignal): Promise<boolean> {
  const { place } = session;
  return session.ask({ method: 'HEAD', url: place.url(`blobs/${parseOciDigest(digest)}`), signal }, async (answer) => {
    if (answer.status === 403) throw await refusalOf(answer, `Cannot look into ${place.shown}`);
    answer.discard();
    const length = answer.header('content-length');
    return answer.status === 200 && (length === undefined || Number(length) === size);
  });
}

/** How many bytes a blob has, undefined when it is not there. */
export async function sizeOfBlob(session: Session, digest: OciDigest, signal: AbortSignal): Promise<number | undefined> {
  const { place } = session;
  return session.ask({ method: 'HEAD', url: place.url(`blobs/${parseOciDigest(digest)}`), signal }, async (answer) => {
    if (answer.status !== 200 && answer.status !== 404) throw await refusalOf(answer, `Cannot look into ${place.shown}`);
    answer.discard();
    if (answer.status === 404) return undefined;
    const length = answer.header('content-length') ?? '';
    if (/^\d{1,15}$/.test(length)) return Number(length);
    throw new PortkitError('PK4035', `${answer.url.host} does not say how large ${digest} is`);
  });
}

/** Where the registry wants the upload to go on. */
export function nextPlace(session: Session, answer: Answer): Hop {
  const location = answer.header('location');
  if (location !== undefined) return session.hop(answer, location);
  throw new PortkitError('PK4035', `${answer.url.host} does not say where an upload goes on`);
}

/** A courtesy: registries forget uploads by themselves later. Nothing is deleted at others because a registry named them. */
export async function takeBack(session: Session, hop: Hop): Promise<void> {
  if (hop.url.origin !== session.place.origin) return;
  try {
    (await session.once({ method: 'DELETE', url: hop.url, hop, signal: AbortSignal.timeout(farewellMs) })).discard();
  } catch {
    // What brought us here is the failure to tell.
  }
}

/** The request that ends an upload and says what it was. */
export function finishing({ digest }: Descriptor, hop: Hop, rest: Pick<Ask, 'body' | 'signal'>): Ask {
  const { href } = hop.url;
  // Appended as text: what the registry put there must come back as it was.
  const url = new URL(`${href}${href.includes('?') ? '&' : '?'}digest=${digest}`);
  return { method: 'PUT', url, hop, headers: { 'content-type': 'application/octet-stream' }, ...rest };
}

/** Takes the answer to the end of an upload: the registry must have understood the same digest. */
export async function checkFinished(session: Session, descriptor: Descriptor, answer: Answer): Promise<void> {
  await checkAccepted(session, answer);
  const said = answer.header('docker-content-digest');
  if (said === undefined || said === descriptor.digest) return;
  throw new PortkitError('PK4036', `${session.place.shown} keeps ${descriptor.digest} under another digest`, {
    hint: 'Some registries know sha256 only',
  });
}

/** Takes the answer to a part of an upload. An upload that the registry has forgotten can be begun anew. */
export async function checkAccepted(session: Session, answer: Answer): Promise<void> {
  if (answer.status >= 200 && answer.status <= 299) return answer.discard();
  const refusal = await refusalOf(answer, `Cannot upload to ${session.place.shown}`);
  throw answer.status === 404 || answer.status === 416 ? new PassingFailure(refusal) : refusal;
}
