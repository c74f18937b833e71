import type { Transform } from 'node:stream';

/** One of Node's zlib streams; `bytesWritten` is what the codec has taken in. */
export type Codec = Transform & { readonly bytesWritten: number };

/** Where a codec gets its bytes: `left` is what was pulled and not taken in. */
export interface Feed {
  left: Buffer;
  /** More bytes; none at the end. */
  readonly pull: () => Promise<Buffer>;
}

/**
 * What a codec makes of a feed. A codec that sees the end of its stream stops there, without a word, whatever follows: the
 * bytes it did not take in are then in `left`.
 */
export async function* through(codec: Codec, feed: Feed, signal: AbortSignal): AsyncGenerator<Uint8Array> {
  const state: { over: boolean; wake?: () => void } = { over: false };
  const end = (): void => {
    state.over = true;
    state.wake?.();
  };
  codec.once('end', end).once('close', end);

  async function push(): Promise<void> {
    while (!state.over) {
      signal.throwIfAborted();
      if (feed.left.length === 0) feed.left = await feed.pull();
      if (feed.left.length === 0) {
        codec.end();
        return;
      }
      const before = codec.bytesWritten;
      // A codec that is over never answers to a write.
      await new Promise<void>((resolve) => {
        state.wake = resolve;
        if (state.over) resolve();
        else codec.write(feed.left, () => resolve());
      });
      feed.left = feed.left.subarray(codec.bytesWritten - before);
    }
  }

  const pushed = push().catch((error: unknown) => codec.destroy(error instanceof Error ? error : new Error(String(error))));
  try {
    for await (const bytes of codec) {
      signal.throwIfAborted();
      yield bytes;
    }
  } finally {
    codec.destroy();
  }
  await pushed;
}
