import { closeSync, fdatasync, fsync, fsyncSync, openSync, unlinkSync, writeSync } from 'node:fs';
import { setImmediate } from 'node:timers/promises';
import { promisify } from 'node:util';

/** Makes an open file durable off the main thread; a failure is final for this file (reliability rule R3). */
export const syncFile: (fd: number) => Promise<void> = promisify(fsync);

/** Starts an open file's bytes on their way to the disk. */
export const syncFileData: (fd: number) => Promise<void> = promisify(fdatasync);

/** Makes the names in a directory durable. */
export function syncDirectory(path: string): void {
  const fd = openSync(path, 'r');
  try {
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}

/** The same for who need not stand still meanwhile: those who ask before it begins share one sync. */
export function createDirectorySync(): (path: string) => Promise<void> {
  const waiting = new Map<string, Promise<void>>();
  async function begin(path: string): Promise<void> {
    await setImmediate();
    waiting.delete(path);
    const fd = openSync(path, 'r');
    try {
      await syncFile(fd);
    } finally {
      closeSync(fd);
    }
  }
  return (path) => {
    const one = waiting.get(path) ?? begin(path);
    waiting.set(path, one);
    return one;
  };
}

/** Writes all of the bytes, one `write` may take fewer than it was given: at a position, else where the last write ended. */
export function writeFully(fd: number, bytes: Uint8Array, position?: number): void {
  for (let done = 0; done < bytes.length;) {
    done += writeSync(fd, bytes, done, bytes.length - done, position === undefined ? null : position + done);
  }
}

/** Removes an unfinished file; where even that fails, the next collection takes it with its session. */
export function discard(path: string): void {
  try {
    unlinkSync(path);
  } catch {
    // It is no part of the store, and a failure that brought us here is the one to tell.
  }
}
