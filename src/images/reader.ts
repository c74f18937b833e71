import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs';
import { PortkitError } from '../base/errors.ts';
import { systemReason } from '../base/system-reason.ts';
import type { ImageReader } from '../formats/file-tree.ts';
import type { FileRange } from '../ops/scratch-file.ts';

/** An open file, or a part of it, as an image that is read. */
export function imageReaderOn(fd: number, range?: FileRange): ImageReader {
  const { at, size } = range ?? { at: 0, size: fstatSync(fd).size };
  return {
    size,
    read(position, length) {
      if (position < 0 || position + length > size) throw ended(position);
      const bytes = Buffer.allocUnsafe(length);
      for (let done = 0; done < length;) {
        const count = readSync(fd, bytes, done, length - done, at + position + done);
        if (count === 0) throw ended(position + done);
        done += count;
      }
      return bytes;
    },
  };
}

function ended(position: number): PortkitError {
  return new PortkitError('PK3301', `The image ends before byte ${position}`);
}

/** Opens a regular file to be read (PK3953); a pipe or device is refused, and never waited for. */
export function openImageFile(path: string): Disposable & { readonly fd: number } {
  const fd = openOr(path);
  const file = { fd, [Symbol.dispose]: () => closeSync(fd) };
  if (fstatSync(fd).isFile()) return file;
  file[Symbol.dispose]();
  throw new PortkitError('PK3953', `${JSON.stringify(path)} is no regular file`);
}

function openOr(path: string): number {
  try {
    return openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  } catch (cause) {
    throw unreadable(path, cause);
  }
}

/** What the system said of a place that was named. */
export function unreadable(path: string, cause: unknown): PortkitError {
  return new PortkitError('PK3953', `${JSON.stringify(path)} cannot be read: ${systemReason(cause)}`, { cause });
}
