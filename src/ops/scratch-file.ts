import { closeSync, ftruncateSync, mkdtempSync, openSync, read, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { PortkitError, systemCode } from '../base/errors.ts';
import { systemReason } from '../base/system-reason.ts';
import type { ImageWriter } from '../formats/file-tree.ts';

/** A file without a name: it is gone when it is closed, however the process ends. */
export interface Scratch extends Disposable {
  readonly fd: number;
  /** Writes all of some bytes at a place; PK2007 when there is no room for them. */
  readonly write: (bytes: Uint8Array, position: number) => void;
}

/** A new scratch file in the file system of a folder; PK2007 when that is full, PK3109 when it cannot be written otherwise. */
export function openScratch(folder: string): Scratch {
  return inFolder(folder, () => {
    const place = mkdtempSync(join(folder, 'scratch-'));
    try {
      const fd = openSync(join(place, 'file'), 'wx+', 0o600);
      const write = (bytes: Uint8Array, position: number) => inFolder(folder, () => writeAt(fd, bytes, position));
      return { fd, write, [Symbol.dispose]: () => closeSync(fd) };
    } finally {
      rmSync(place, { recursive: true });
    }
  });
}

function inFolder<T>(folder: string, work: () => T): T {
  try {
    return work();
  } catch (cause) {
    const code = systemCode(cause);
    if (code === undefined) throw cause;
    const isFull = code === 'ENOSPC' || code === 'EDQUOT';
    throw new PortkitError(
      isFull ? 'PK2007' : 'PK3109',
      `What is needed for a while cannot be kept in ${folder}: ${systemReason(cause)}`,
      {
        hint: `${isFull ? 'Free space there' : 'Check its owner and mode'}, or name another place: TMPDIR, or --root for what is in the store`,
        cause,
      },
    );
  }
}

/** Writes all of some bytes at a place of an open file. */
export function writeAt(fd: number, bytes: Uint8Array, position: number): void {
  for (let done = 0; done < bytes.length;) done += writeSync(fd, bytes, done, bytes.length - done, position + done);
}

/** An open file as an image that is written; what is never written stays a hole. */
export function imageWriterOn({ fd, write }: { readonly fd: number; readonly write?: Scratch['write'] }): ImageWriter {
  return {
    setSize: (size) => ftruncateSync(fd, size),
    write: write ?? ((bytes, position) => writeAt(fd, bytes, position)),
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
