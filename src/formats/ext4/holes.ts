import type { Contents, FileEntry } from '../file-tree.ts';
import { blockSize } from './geometry.ts';
import type { DataRange } from './options.ts';
import { isZero } from './sink.ts';

/**
 * Reads every content once and finds the blocks that are not all zero, for `dataRanges` of the options: zeros then become
 * holes of the files, and take no blocks. Without it they only are holes of the image. The price is a second reading.
 */
export async function findData(
  entries: readonly FileEntry[],
  contents: Contents,
  signal: AbortSignal,
): Promise<(content: string) => readonly DataRange[] | undefined> {
  const found = new Map<string, readonly DataRange[] | undefined>();
  for (const entry of entries) {
    if (entry.type !== 'file' || entry.size === 0 || found.has(entry.content)) continue;
    signal.throwIfAborted();
    const search = newSearch();
    const opened = contents.open(entry.content, signal);
    if (opened instanceof Uint8Array) lookThrough(search, opened);
    else for await (const piece of opened) lookThrough(search, piece);
    found.set(entry.content, search.zeros ? search.ranges : undefined);
  }
  return (content) => found.get(content);
}

/** The search through one content. */
interface Search {
  readonly ranges: { start: number; end: number }[];
  /** How many bytes were seen. */
  done: number;
  /** Whether a block, or a part of one that came alone, was all zero. */
  zeros: boolean;
}

function newSearch(): Search {
  return { ranges: [], done: 0, zeros: false };
}

/** Ranges are of whole blocks, so that no two of them share one. */
function lookThrough(search: Search, bytes: Uint8Array): void {
  for (let at = 0; at < bytes.length;) {
    const block = search.done - (search.done % blockSize);
    const end = Math.min(bytes.length, at + block + blockSize - search.done);
    const last = search.ranges.at(-1);
    if (isZero(bytes, at, end)) search.zeros = true;
    else if (last === undefined || last.end < block) search.ranges.push({ start: block, end: block + blockSize });
    else last.end = block + blockSize;
    search.done += end - at;
    at = end;
  }
}
