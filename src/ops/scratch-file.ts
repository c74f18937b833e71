import { closeSync, ftruncateSync, mkdtempSync, openSync, read, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { ImageWriter } from '../formats/file-tree.ts';

/** A new open file without a name in a folder: it is gone when it is closed, however the process ends. */
export function openScratch(folder: string): Disposable & { readonly fd: number } {
  const place = mkdtempSync(join(folder, 'scratch-'));
  try {
    const fd = openSync(join(place, 'file'), 'wx+', 0o600);
    return { fd, [Symbol.dispose]: () => closeSync(fd) };
  } finally {
    rmSync(place, { recursive: true });
  }
}

/** Writes all of some bytes at a place of an open file. */
export function writeAt(fd: number, bytes: Uint8Array, position: number): void {
  for (let done = 0; done < bytes.length;) done += writeSync(fd, bytes, done, bytes.length - done, position + done);
}

/** An open file as an image that is written; what is never written stays a hole. */
export function imageWriterOn(fd: number): ImageWriter {
  return {
    setSize: (size) => ftruncateSync(fd, size),
    write: (bytes, position) => writeAt(fd, bytes, position),
  };
}

const readFrom = promisify(read);
const pieceSize = 1 << 20;

/** A part of a file. */
export interface FileRange {
  readonly at: number;
  readonly size: number;
}

/** The bytes of an open file, or of a part of it, from its start; every reading has a place of its own. */
export async function* piecesOf(fd: number, { at, size }: FileRange = { at: 0, size: Infinity }): AsyncGenerator<Uint8Array> {
  for (let position = at; position < at + size;) {
    const most = Math.min(pieceSize, at + size - position);
    const { bytesRead, buffer } = await readFrom(fd, Buffer.allocUnsafe(most), 0, most, position);
    if (bytesRead === 0) return;
    position += bytesRead;
    yield buffer.subarray(0, bytesRead);
  }
}
