/** Takes a stream apart by number of bytes. One call at a time. */
export interface ByteReader {
  /** How many bytes were taken. */
  readonly offset: number;
  /** This many bytes; fewer only when the stream ends before. They are good as long as the chunks of the stream are. */
  take(size: number): Promise<Buffer>;
  /** The next bytes as they come, at least one and at most this many; none at the end of the stream. */
  some(most: number): Promise<Buffer>;
  /** Passes over at most this many of the next bytes; answers how many they were, 0 at the end of the stream. */
  pass(most: number): Promise<number>;
  /** Puts back what was taken last, or the end of it. */
  putBack(bytes: Buffer): void;
  /** Gives the stream up. */
  close(): Promise<void>;
}

/** A stream of chunks that can leave out bytes without reading them. */
export interface PassableStream extends AsyncIterable<Uint8Array> {
  /** The next chunk begins so many bytes later, or at the end; answers how many that were. */
  readonly pass?: (most: number) => number;
}

/** Reads a stream of chunks of any size. */
export function byteReader(source: PassableStream): ByteReader {
  const chunks = source[Symbol.asyncIterator]();
  let rest: Buffer = Buffer.alloc(0);
  let offset = 0;

  async function some(most: number): Promise<Buffer> {
    while (rest.length === 0) {
      const next = await chunks.next();
      if (next.done === true) return rest;
      rest = Buffer.from(next.value.buffer, next.value.byteOffset, next.value.byteLength);
    }
    const taken = rest.subarray(0, most);
    rest = rest.subarray(taken.length);
    offset += taken.length;
    return taken;
  }

  return {
    get offset() {
      return offset;
    },
    some,
    async take(size) {
      const first = size === 0 ? Buffer.alloc(0) : await some(size);
      if (first.length === size || first.length === 0) return first;
      // The next chunk may come in the place of this one.
      const parts = [Buffer.from(first)];
      let have = first.length;
      while (have < size) {
        const part = await some(size - have);
        if (part.length === 0) break;
        parts.push(Buffer.from(part));
        have += part.length;
      }
      return Buffer.concat(parts);
    },
    async pass(most) {
      if (rest.length > 0 || source.pass === undefined) return (await some(most)).length;
      const passed = source.pass(most);
      offset += passed;
      return passed;
    },
    putBack(bytes) {
      offset -= bytes.length;
      const adjacent = bytes.buffer === rest.buffer && bytes.byteOffset + bytes.length === rest.byteOffset;
      if (rest.length === 0) rest = bytes;
      else if (adjacent) rest = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length + rest.length);
      else rest = Buffer.concat([bytes, rest]);
    },
    async close() {
      await chunks.return?.();
    },
  };
}

/** All that is left of a reader, which is then closed. */
export async function* remaining(reader: ByteReader): AsyncGenerator<Uint8Array> {
  try {
    for (let bytes = await reader.some(2 ** 20); bytes.length > 0; bytes = await reader.some(2 ** 20)) yield bytes;
  } finally {
    await reader.close();
  }
}
