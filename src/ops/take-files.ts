import type { Digest } from '../base/digest.ts';
import type { FileWorld } from './input.ts';

/** Puts the contents of many files into the store; they are durable when `finish` has resolved. */
export interface FileTaker {
  take(content: AsyncIterable<Uint8Array>, size: number): Promise<Digest>;
  finish(): Promise<void>;
}

/** Files up to this size share a batch, which is made durable as one; larger ones are written by themselves. */
const small = 2 ** 18;
const batchBytes = 32 * 2 ** 20;

/** Begins to take files. */
export function takeFiles({ blobs }: FileWorld, signal: AbortSignal): FileTaker {
  let batch = blobs.batch();
  let pending = 0;
  return {
    async take(content, size) {
      if (size > small) return (await blobs.write(content, signal)).digest;
      const chunks: Uint8Array[] = [];
      for await (const chunk of content) chunks.push(chunk);
      const digest = batch.add(Buffer.concat(chunks));
      pending += size;
      if (pending > batchBytes) {
        await batch.commit(signal);
        batch = blobs.batch();
        pending = 0;
      }
      return digest;
    },
    finish: () => batch.commit(signal),
  };
}
