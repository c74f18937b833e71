import { constants } from 'node:fs';
import { open } from 'node:fs/promises';
import { systemCode } from '../../base/errors.ts';
import { digestOfFile } from './content.ts';
import { findFile } from './folder.ts';
import type { Place } from './folder.ts';
import type { FileFacts } from './staged.ts';

const chunkSize = 1 << 20;
/** A link is not followed, and a FIFO that was put there meanwhile does not block. */
const flags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;

/** The bytes of a regular file of an artifact; links are not followed. */
export async function* chunksOf(path: string, signal: AbortSignal): AsyncGenerator<Uint8Array> {
  await using file = await open(path, flags);
  for (;;) {
    signal.throwIfAborted();
    const { bytesRead, buffer } = await file.read(Buffer.allocUnsafe(chunkSize), 0, chunkSize);
    if (bytesRead === 0) return;
    yield buffer.subarray(0, bytesRead);
  }
}

/** Digest and size of the regular file at a place; undefined when nothing is there. */
export async function factsOf(place: Place, signal: AbortSignal): Promise<FileFacts | undefined> {
  try {
    const path = findFile(place);
    if (path === undefined) return undefined;
    await using file = await open(path, flags);
    return { digest: await digestOfFile(file.fd, signal), size: (await file.stat()).size };
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return undefined;
    throw error;
  }
}
