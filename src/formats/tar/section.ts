import type { ByteReader } from '../byte-reader.ts';
import { blockSize } from './entry.ts';
import { malformed } from '../archive-errors.ts';

/** The content of one file within the stream of the archive. */
export interface Section {
  /** The bytes that were not read yet; ends for good when the section is closed. */
  content(): AsyncGenerator<Uint8Array>;
  /** Passes over the rest and the padding. */
  close(): Promise<void>;
}

/** The next `size` bytes and the padding behind them. */
export function openSection(reader: ByteReader, size: number, signal: AbortSignal): Section {
  let left = size;
  let closed = false;

  async function next(): Promise<Buffer> {
    signal.throwIfAborted();
    const bytes = await reader.some(Math.min(left, 2 ** 20));
    if (bytes.length === 0) throw malformed(`byte ${reader.offset}`, 'it ends in the middle of a file');
    left -= bytes.length;
    return bytes;
  }

  return {
    async *content() {
      while (left > 0) {
        if (closed) throw new Error('The content of a tar entry is read after the next entry was asked for');
        yield await next();
      }
    },
    async close() {
      closed = true;
      while (left > 0) {
        signal.throwIfAborted();
        const passed = await reader.pass(Math.min(left, 2 ** 20));
        if (passed === 0) throw malformed(`byte ${reader.offset}`, 'it ends in the middle of a file');
        left -= passed;
      }
      const padding = (blockSize - (size % blockSize)) % blockSize;
      if ((await reader.take(padding)).length < padding)
        throw malformed(`byte ${reader.offset}`, 'it ends in the middle of a file');
    },
  };
}
