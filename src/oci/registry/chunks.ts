import { PortkitError } from '../../base/errors.ts';
import type { Hop } from './hops.ts';
import type { Answer } from '../../http/call.ts';
import { PassingFailure, createPatience } from './retry.ts';
import type { Session } from './session.ts';
import { checkAccepted, checkFinished, finishing, hasBlob, nextPlace } from './upload.ts';
import type { Upload, UploadPlace } from './upload.ts';

const firstChunk = 16 * 1024 * 1024;
const smallestChunk = 1024 * 1024;

/** How far an upload is. */
interface Progress {
  readonly hop: Hop;
  readonly at: number;
  /** The registry said that it has everything already. */
  readonly whole: boolean;
}

/** Uploads a blob in several requests, going on where the registry says it stands; smaller ones when it asks for that. */
export async function uploadChunks(session: Session, upload: Upload, { hop, leastChunk }: UploadPlace): Promise<void> {
  const { descriptor, signal } = upload;
  const patience = createPatience(session.world);
  let now: Progress = { hop, at: 0, whole: false };
  let chunk = Math.max(firstChunk, leastChunk);
  let furthest = 0;
  while (now.at < descriptor.size) {
    try {
      const next = await sendChunk(session, upload, { now, size: Math.min(chunk, descriptor.size - now.at) });
      if (next === 'too large') {
        chunk = Math.floor(chunk / 4);
        if (chunk < Math.max(smallestChunk, leastChunk)) throw refusesSize(session);
        continue;
      }
      if (next.whole) return;
      now = next;
      if (now.at <= furthest) continue;
      furthest = now.at;
      patience.renew();
    } catch (error) {
      if (!(error instanceof PassingFailure)) throw error;
      const standing = await standingOf(session, now.hop, signal);
      if (standing === undefined) throw error;
      await patience.wait(error, signal);
      now = standing;
    }
  }
  await checkFinished(session, descriptor, await session.once(finishing(descriptor, now.hop, { signal })));
}

function refusesSize({ place }: Session): PortkitError {
  return new PortkitError('PK4036', `${place.shown} takes no blob of that size, not even in parts`);
}

async function sendChunk(session: Session, upload: Upload, { now, size }: { now: Progress; size: number }) {
  const { descriptor, source, signal } = upload;
  const { hop, at } = now;
  const headers = { 'content-type': 'application/octet-stream', 'content-range': `${at}-${at + size - 1}` };
  const body = { size, open: (stop: AbortSignal) => firstOf(source.open(stop, at), size) };
  const answer = await session.once({ method: 'PATCH', url: hop.url, hop, headers, body, signal });
  if (answer.status === 413) {
    answer.discard();
    return 'too large';
  }
  await checkAccepted(session, answer);
  // Some registries end an upload by themselves when they have all of it.
  const whole = answer.status === 201 && (await hasBlob(session, descriptor, signal));
  const next = storedBytes(answer) ?? at + size;
  if (next <= at || next > at + size) throw new PassingFailure(outOfStep(session));
  return { hop: nextHop(session, answer, hop), at: next, whole };
}

function outOfStep({ place }: Session): PortkitError {
  return new PortkitError('PK4035', `${place.shown} does not keep what it is sent in parts`);
}

function nextHop(session: Session, answer: Answer, before: Hop): Hop {
  return answer.header('location') === undefined ? before : nextPlace(session, answer);
}

/** How many bytes a registry says it has: `Range: 0-N`, without a unit (distribution-spec, "Pushing a blob in chunks"). */
function storedBytes(answer: Answer): number | undefined {
  const last = /^(?:bytes=)?0-(\d{1,15})$/.exec(answer.header('range') ?? '')?.[1];
  return last === undefined ? undefined : Number(last) + 1;
}

async function standingOf(session: Session, hop: Hop, signal: AbortSignal): Promise<Progress | undefined> {
  const answer = await session.once({ method: 'GET', url: hop.url, hop, signal });
  answer.discard();
  const at = storedBytes(answer);
  return answer.status === 204 && at !== undefined ? { hop: nextHop(session, answer, hop), at, whole: false } : undefined;
}

async function* firstOf(content: AsyncIterable<Uint8Array>, size: number): AsyncGenerator<Uint8Array> {
  let left = size;
  for await (const chunk of content) {
    const part = chunk.subarray(0, left);
    left -= part.length;
    yield part;
    if (left === 0) return;
  }
}
