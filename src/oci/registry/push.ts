import { PortkitError } from '../../base/errors.ts';
import { parseOciDigest } from '../model/digest.ts';
import type { Descriptor } from '../model/descriptor.ts';
import { uploadChunks } from './chunks.ts';
import { neighbour } from './place.ts';
import { refusalOf } from './refusal.ts';
import { retrying } from './retry.ts';
import type { Session } from './session.ts';
import { checkFinished, finishing, hasBlob, nextPlace, takeBack } from './upload.ts';
import type { Upload, UploadPlace } from './upload.ts';

/**
 * Uploads a blob in one request; what is cut is begun anew from the source, since a registry forgets uploads that break.
 * A registry that finds the request too large gets the blob in chunks.
 */
export async function pushBlob(session: Session, upload: Upload): Promise<void> {
  const { descriptor, signal } = upload;
  let tooLarge = false;
  await retrying(
    async (round) => {
      // The answer may have been cut, and not the upload.
      if (round > 1 && (await hasBlob(session, descriptor, signal))) return;
      tooLarge ||= (await inUpload(session, signal, (place) => uploadWhole(session, upload, place))) === 'too large';
      if (tooLarge) await inUpload(session, signal, (place) => uploadChunks(session, upload, place));
    },
    session.world,
    signal,
  );
}

/** Begins an upload for `work`, and takes it back when that fails. */
async function inUpload<T>(session: Session, signal: AbortSignal, work: (place: UploadPlace) => Promise<T>): Promise<T> {
  const answer = await session.once({ method: 'POST', url: session.place.url('blobs/uploads/'), signal });
  if (answer.status !== 202 && answer.status !== 201) throw await refusalOf(answer, `Cannot upload to ${session.place.shown}`);
  answer.discard();
  const hop = nextPlace(session, answer);
  const least = Number(answer.header('oci-chunk-min-length') ?? 0);
  try {
    return await work({ hop, leastChunk: Number.isSafeInteger(least) ? Math.max(0, least) : 0 });
  } catch (error) {
    await takeBack(session, hop);
    throw error;
  }
}

async function uploadWhole(session: Session, upload: Upload, { hop }: UploadPlace): Promise<'done' | 'too large'> {
  const { descriptor, source, signal } = upload;
  const body = { size: descriptor.size, open: (stop: AbortSignal) => source.open(stop) };
  const answer = await session.once(finishing(descriptor, hop, { body, signal }));
  if (answer.status === 413) {
    answer.discard();
    await takeBack(session, hop);
    return 'too large';
  }
  await checkFinished(session, descriptor, answer);
  return 'done';
}

/** Asks for a blob of another repository of the same registry; whether it is here now. */
export async function mountBlob(
  session: Session,
  { digest }: Descriptor,
  { from, signal }: { from: string; signal: AbortSignal },
): Promise<boolean> {
  const query = new URLSearchParams({ mount: parseOciDigest(digest), from: neighbour(session.place, from) });
  const url = session.place.url(`blobs/uploads/?${query.toString()}`);
  const alsoScopes = [`repository:${from}:pull`];
  try {
    return await session.ask({ method: 'POST', url, alsoScopes, signal }, async (answer) => {
      answer.discard();
      // A registry that does not mount begins an upload.
      if (answer.status === 202) await takeBack(session, nextPlace(session, answer));
      return answer.status === 201;
    });
  } catch (error) {
    // Who may not read there, or asks a registry that breaks over it, can still upload here.
    if (error instanceof PortkitError && (error.code === 'PK4030' || error.code === 'PK4033')) return false;
    throw error;
  }
}
