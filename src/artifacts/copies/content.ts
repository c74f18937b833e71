import { createHash } from 'node:crypto';
import { fstatSync, ftruncateSync, readSync, writeSync } from 'node:fs';
import { setImmediate } from 'node:timers/promises';
import { digestFromHex } from '../../base/digest.ts';
import type { Digest } from '../../base/digest.ts';

/** What is looked at for zeros: the page size of common file systems. */
const page = 4096;
const zeros = Buffer.alloc(page);
/** So much of a file is read at once. */
const readSize = 1 << 20;

/** Writes a new file; whole pages of zeros become holes, as disk images have them. */
export async function writeContent(fd: number, content: AsyncIterable<Uint8Array>): Promise<void> {
  let at = 0;
  for await (const chunk of content) {
    writeSparse(fd, chunk, at);
    at += chunk.length;
  }
  ftruncateSync(fd, at);
}

function writeSparse(fd: number, chunk: Uint8Array, start: number): void {
  for (let at = 0; at < chunk.length;) {
    const hole = isHole(chunk, at);
    const from = at;
    while (at < chunk.length && isHole(chunk, at) === hole) at = pageEnd(start, at, chunk.length);
    if (!hole) writeAt(fd, chunk.subarray(from, at), start + from);
  }
}

/** Whether a page of zeros begins here. */
function isHole(chunk: Uint8Array, at: number): boolean {
  return at + page <= chunk.length && zeros.equals(chunk.subarray(at, at + page));
}

function pageEnd(start: number, at: number, length: number): number {
  return Math.min(length, at + page - ((start + at) % page));
}

function writeAt(fd: number, bytes: Uint8Array, position: number): void {
  for (let done = 0; done < bytes.length;) done += writeSync(fd, bytes, done, bytes.length - done, position + done);
}

/** The digest of an open file. */
export async function digestOfFile(fd: number, signal: AbortSignal): Promise<Digest> {
  const hash = createHash('sha256');
  const buffer = Buffer.allocUnsafe(Math.min(readSize, fstatSync(fd).size + 1));
  for (let at = 0; ;) {
    const read = readSync(fd, buffer, 0, buffer.length, at);
    if (read === 0) return digestFromHex(hash.digest('hex'));
    hash.update(buffer.subarray(0, read));
    at += read;
    if (read < readSize) continue;
    await setImmediate();
    signal.throwIfAborted();
  }
}
