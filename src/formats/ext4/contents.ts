import { PortkitError } from '../../base/errors.ts';
import { showBytes } from '../../base/byte-string.ts';
import type { Contents, FileEntry } from '../file-tree.ts';
import type { Extent } from './allocator.ts';
import { blockSize } from './geometry.ts';
import { isZero } from './sink.ts';
import type { Sink } from './sink.ts';

type File = FileEntry & { readonly type: 'file' };

/** The bytes of one file on the way to its blocks. */
interface Pour {
  readonly file: File;
  readonly extents: readonly Extent[];
  readonly sink: Sink;
  /** How many bytes came so far, and the extent that the next ones belong to. */
  done: number;
  at: number;
}

/** Writes the content of a file to its blocks; at once, without a promise, where it is at hand. */
export function pourFile(
  { file, extents }: { readonly file: File; readonly extents: readonly Extent[] },
  { contents, sink }: { readonly contents: Contents; readonly sink: Sink },
  signal: AbortSignal,
): Promise<void> | undefined {
  const pour: Pour = { file, extents, sink, done: 0, at: 0 };
  const opened = contents.open(file.content, signal);
  if (!(opened instanceof Uint8Array)) return pourPieces(pour, opened, signal);
  pourBytes(pour, opened);
  endPour(pour);
  return undefined;
}

async function pourPieces(pour: Pour, pieces: AsyncIterable<Uint8Array>, signal: AbortSignal): Promise<void> {
  for await (const piece of pieces) {
    signal.throwIfAborted();
    pourBytes(pour, piece);
  }
  endPour(pour);
}

function pourBytes(pour: Pour, bytes: Uint8Array): void {
  const { file, extents, sink } = pour;
  if (pour.done + bytes.length > file.size) throw changed(file, `has more than the ${file.size} bytes that were planned`);
  for (let from = 0; from < bytes.length;) {
    const extent = extents[pour.at];
    const [start, end] = extent === undefined ? [file.size, file.size] : rangeOf(extent);
    if (pour.done >= end && extent !== undefined) {
      pour.at += 1;
      continue;
    }
    const inHole = pour.done < start;
    const length = Math.min(bytes.length - from, (inHole ? start : end) - pour.done);
    const part = length === bytes.length ? bytes : bytes.subarray(from, from + length);
    if (!inHole && extent !== undefined) sink.put(part, extent.start * blockSize + (pour.done - start));
    else if (!isAllZero(part)) throw changed(file, 'has data where a hole was planned');
    pour.done += length;
    from += length;
  }
}

function isAllZero(bytes: Uint8Array): boolean {
  for (let at = 0; at < bytes.length; at += blockSize) {
    if (!isZero(bytes, at, Math.min(bytes.length, at + blockSize))) return false;
  }
  return true;
}

function rangeOf({ logical, count }: Extent): readonly [number, number] {
  return [logical * blockSize, (logical + count) * blockSize];
}

function endPour({ file, done }: Pour): void {
  if (done < file.size) throw changed(file, `has ${done} bytes; ${file.size} were planned`);
}

function changed(file: File, how: string): PortkitError {
  return new PortkitError('PK3504', `"/${showBytes(file.path)}" ${how}`);
}
