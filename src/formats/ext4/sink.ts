import type { ImageWriter } from '../file-tree.ts';
import { blockSize } from './geometry.ts';

/** Collects what is written in ascending order into large writes. Zeros are left out where they fill a block: the image has holes. */
export interface Sink {
  put(bytes: Uint8Array, position: number): void;
  /** Writes what is still held back. */
  flush(): void;
}

const capacity = 1 << 20;
/** From this length on bytes are not copied together first. */
const direct = capacity / 4;
const zeros = Buffer.alloc(blockSize);

/** A sink over an image of which nothing is written yet. */
export function sinkInto(image: ImageWriter): Sink {
  const buffer = Buffer.alloc(capacity);
  let start = 0;
  let length = 0;

  function flush(): void {
    if (length > 0) image.write(buffer.subarray(0, length), start);
    length = 0;
  }

  /** Bytes that are not all zero. Less than a block of zeros before them is filled in. */
  function keep(bytes: Uint8Array, position: number): void {
    const gap = position - (start + length);
    if (gap < 0 || gap >= blockSize || length + gap + bytes.length > capacity) flush();
    if (bytes.length >= direct) {
      flush();
      image.write(bytes, position);
      return;
    }
    if (length === 0) start = position;
    else buffer.fill(0, length, length + gap);
    const at = position - start;
    buffer.set(bytes, at);
    length = at + bytes.length;
  }

  return {
    put(bytes, position) {
      let from = 0;
      let at = 0;
      while (at < bytes.length) {
        const next = Math.min(bytes.length, at + blockSize - ((position + at) % blockSize));
        if (isZero(bytes, at, next)) {
          if (at > from) keep(bytes.subarray(from, at), position + from);
          from = next;
        }
        at = next;
      }
      if (at > from) keep(from === 0 ? bytes : bytes.subarray(from), position + from);
    },
    flush,
  };
}

/** Whether bytes `from` to `to`, at most one block of them, are all zero. */
export function isZero(bytes: Uint8Array, from: number, to: number): boolean {
  if (bytes[from] !== 0 || bytes[to - 1] !== 0) return false;
  return Buffer.compare(bytes.subarray(from, to), zeros.subarray(0, to - from)) === 0;
}
