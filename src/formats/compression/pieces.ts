/** A stream in pieces of a size. */
export interface Pieces {
  /** Fills a room, the last one only in part; answers how many bytes are in it. */
  into(room: Buffer): Promise<number>;
  /** Gives the stream up. */
  close(): Promise<void>;
}

/** Cuts a stream into pieces: its chunks are copied as they come, as they may not last. */
export function piecesOf(source: AsyncIterable<Uint8Array>): Pieces {
  const chunks = source[Symbol.asyncIterator]();
  let rest: Uint8Array = new Uint8Array(0);
  return {
    async into(room) {
      for (let filled = 0; ;) {
        const part = rest.subarray(0, room.length - filled);
        room.set(part, filled);
        rest = rest.subarray(part.length);
        filled += part.length;
        if (filled === room.length) return filled;
        const next = await chunks.next();
        if (next.done === true) return filled;
        rest = next.value;
      }
    },
    async close() {
      await chunks.return?.();
    },
  };
}
