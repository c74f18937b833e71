import { show } from '../archive-errors.ts';
import { treeOrder } from '../archive-names.ts';
import { encodeEntry, padding } from './encode.ts';
import { blockSize } from './entry.ts';
import type { TarEntry } from './entry.ts';

/**
 * The one tar of these entries: ustar, a pax header only where ustar cannot say something, no names of users, two blocks of
 * zeros at the end. The entries come in the order of a tree: a directory before what is in it, names by byte, each once;
 * anything else is an error of the caller. A file must give exactly the bytes it announced.
 */
export async function* writeTar(
  entries: AsyncIterable<TarEntry> | Iterable<TarEntry>,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array> {
  let last: string | undefined;
  for await (const entry of entries) {
    signal.throwIfAborted();
    const place = treeOrder(entry.path);
    if (last !== undefined && place <= last) throw new Error(`The entry ${show(entry.path)} comes out of order into a tar`);
    last = place;
    yield encodeEntry(entry);
    if (entry.type !== 'file') continue;
    let size = 0;
    for await (const chunk of entry.content) {
      signal.throwIfAborted();
      size += chunk.length;
      if (size <= entry.size) yield chunk;
    }
    if (size !== entry.size) throw new Error(`The file ${show(entry.path)} has ${size} bytes, not ${entry.size} as it announced`);
    if (size % blockSize !== 0) yield padding(size);
  }
  yield Buffer.alloc(2 * blockSize);
}
