import type { ByteString } from '../../base/byte-string.ts';
import { show } from '../archive-errors.ts';
import { isBefore } from '../archive-names.ts';
import { collector } from '../collector.ts';
import type { ChunkOptions } from '../collector.ts';
import { encodeEntry } from './encode.ts';
import { blockSize } from './entry.ts';
import type { PackedEntry } from './entry.ts';

/**
 * The one tar of these entries: ustar, a pax header only where ustar cannot say something, no names of users, two blocks of
 * zeros at the end. The entries come in the order of a tree: a directory before what is in it, names by byte, each once;
 * anything else is an error of the caller. A file must give exactly the bytes it announced. Chunks of contents that are
 * larger than 64 KiB are handed on as they are, and are good as long as they were.
 */
export async function* writeTar(
  entries: AsyncIterable<PackedEntry> | Iterable<PackedEntry>,
  signal: AbortSignal,
  chunks: ChunkOptions = {},
): AsyncGenerator<Uint8Array> {
  const out = collector(chunks);
  let last: ByteString | undefined;
  for await (const entry of entries) {
    signal.throwIfAborted();
    if (last !== undefined && !isBefore(last, entry.path))
      throw new Error(`The entry ${show(entry.path)} comes out of order into a tar`);
    last = entry.path;
    for (const ready of out.add(encodeEntry(entry))) yield ready;
    if (out.full()) yield out.take();
    if (entry.type !== 'file') continue;
    let size = 0;
    // Most files come at once; waiting for each would take longer than all else.
    if (entry.content instanceof Uint8Array) {
      size = entry.content.length;
      if (size === entry.size) for (const ready of out.add(entry.content)) yield ready;
    } else {
      for await (const chunk of entry.content) {
        signal.throwIfAborted();
        size += chunk.length;
        if (size <= entry.size) for (const ready of out.add(chunk)) yield ready;
      }
    }
    if (size !== entry.size) throw new Error(`The file ${show(entry.path)} has ${size} bytes, not ${entry.size} as it announced`);
    out.zeros(-size & (blockSize - 1));
  }
  out.zeros(2 * blockSize);
  yield out.take();
}
