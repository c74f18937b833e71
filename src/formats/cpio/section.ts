import { malformed } from '../archive-errors.ts';
import type { ByteReader } from '../byte-reader.ts';
import { fillTo4 } from './header.ts';

/** The content of one file within the stream of the archive. */
export interface Section {
  /** The bytes that were not read yet; ends for good when the section is closed. */
  content(): AsyncGenerator<Uint8Array>;
  /** Passes over the rest and the filling; checks the sum. */
  close(): Promise<void>;
}

/** The next `size` bytes; with a `sum`, they have to add up to it. */
export function openSection(
  reader: ByteReader,
  { size, sum }: { readonly size: number; readonly sum: number | undefined },
  signal: AbortSignal,
): Section {
  let left = size;
  let closed = false;
  let found = 0;

  async function next(): Promise<Buffer> {
    signal.throwIfAborted();
    const bytes = await reader.some(Math.min(left, 2 ** 20));
    if (bytes.length === 0) throw malformed(`byte ${reader.offset}`, 'it ends in the middle of a file');
    left -= bytes.length;
    if (sum !== undefined) for (const byte of bytes) found += byte;
    // The last bytes are not handed out before all of them are right.
    if (left === 0 && sum !== undefined && found % 2 ** 32 !== sum)
      throw malformed(`byte ${reader.offset}`, 'the checksum of a file is wrong');
    return bytes;
  }

  return {
    async *content() {
      while (left > 0) {
        if (closed) throw new Error('The content of a cpio entry is read after the next entry was asked for');
        yield await next();
      }
    },
    async close() {
      closed = true;
      while (left > 0) await next();
      await passFilling(reader, size);
    },
  };
}

/** Takes the zeros behind this many bytes. */
export async function passFilling(reader: ByteReader, size: number): Promise<void> {
  const filling = await reader.take(fillTo4(size));
  if (filling.length < fillTo4(size) || filling.some((byte) => byte !== 0))
    throw malformed(`byte ${reader.offset}`, 'the zeros between entries are cut off or something else');
}
