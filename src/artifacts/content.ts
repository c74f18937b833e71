import type { Digest } from '../base/digest.ts';
import { PortkitError } from '../base/errors.ts';
import type { ReadableBlobs } from './exporter.ts';

/** What is needed of a file to read it. */
export interface FileContent {
  readonly content: Digest;
  readonly size: number;
}

/** Small files come in one piece, without a stream each. */
export const small = 2 ** 16;

/**
 * The bytes of a file, verified; throws PK2002 when they are not in the store, and PK2103 when they are not as many as the
 * tree says.
 */
export async function* contentOf(file: FileContent, blobs: ReadableBlobs, signal: AbortSignal): AsyncGenerator<Uint8Array> {
  const found = file.size <= small ? blobs.get(file.content) : await blobs.open(file.content, signal);
  if (found === undefined) throw new PortkitError('PK2002', `The blob ${file.content} is not in the store`);
  let size = 0;
  for await (const chunk of found instanceof Uint8Array ? [found] : found) {
    size += chunk.length;
    if (size > file.size) break;
    yield chunk;
  }
  if (size !== file.size)
    throw new PortkitError('PK2103', `The file ${file.content} has not the ${file.size} bytes that its tree says`);
}
