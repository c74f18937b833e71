import type { BlobReader, BlobStore } from './blobs.ts';

/** Near over far: what is not near is taken from afar, kept near (durably, verified), and then read from there. */
export function createLayeredStore(near: BlobStore, far: BlobReader): BlobStore {
  return {
    async stat(digest, signal) {
      return (await near.stat(digest, signal)) ?? far.stat(digest, signal);
    },
    async open(digest, signal) {
      const here = await near.open(digest, signal);
      if (here !== undefined) return here;
      const there = await far.open(digest, signal);
      if (there === undefined) return undefined;
      await near.write(there, signal);
      return near.open(digest, signal);
    },
    write: (content, signal) => near.write(content, signal),
  };
}
