import { readFileSync, rmSync } from 'node:fs';
import { digestOf } from '../base/digest.ts';
import type { Digest } from '../base/digest.ts';
import { PortkitError } from '../base/errors.ts';
import type { BlobAdopter, BlobStore, SmallBlobs } from './blobs.ts';

/** A store in memory: for tests, and as the near layer of a far store. */
export function createMemoryStore(): BlobStore & BlobAdopter & SmallBlobs {
  const blobs = new Map<Digest, Uint8Array>();
  function add(bytes: Uint8Array): Digest {
    const digest = digestOf(bytes);
    if (!blobs.has(digest)) blobs.set(digest, Uint8Array.from(bytes));
    return digest;
  }
  return {
    stat(digest, signal) {
      signal.throwIfAborted();
      const bytes = blobs.get(digest);
      return Promise.resolve(bytes === undefined ? undefined : { digest, size: bytes.length });
    },
    open(digest, signal) {
      signal.throwIfAborted();
      const bytes = blobs.get(digest);
      return Promise.resolve(bytes === undefined ? undefined : once(bytes));
    },
    async write(content, signal) {
      const chunks: Uint8Array[] = [];
      for await (const chunk of content) {
        signal.throwIfAborted();
        chunks.push(Uint8Array.from(chunk));
      }
      const bytes = Buffer.concat(chunks);
      return { digest: add(bytes), size: bytes.length };
    },
    adopt({ path }, signal) {
      signal.throwIfAborted();
      add(readFileSync(path));
      rmSync(path);
      return Promise.resolve();
    },
    get(digest, limit = Infinity) {
      const bytes = blobs.get(digest);
      if (bytes !== undefined && bytes.length > limit) {
        throw new PortkitError('PK1004', `The blob ${digest} has ${bytes.length} bytes; at most ${limit} were asked for`);
      }
      return bytes;
    },
    batch() {
      return {
        add,
        commit(signal) {
          signal.throwIfAborted();
          return Promise.resolve();
        },
      };
    },
  };
}

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield await Promise.resolve(bytes);
}
