import { closeSync, constants, fstatSync, openSync, read, rmSync, writev } from 'node:fs';
import { promisify } from 'node:util';
import { systemCode } from '../../base/errors.ts';

const readFrom = promisify(read);
const writeTo = promisify(writev);
const pieceSize = 1 << 20;

/** What has come of a blob, open; it is closed by whoever has it. */
export interface Part {
  readonly fd: number;
  readonly size: number;
}

/** What another process has left; undefined when it has left nothing that can be used. */
export function openPart(path: string): Part | undefined {
  try {
    const fd = openSync(path, constants.O_RDWR | constants.O_NOFOLLOW | constants.O_NONBLOCK);
    const stat = fstatSync(fd);
    if (stat.isFile() && stat.size > 0) return { fd, size: stat.size };
    closeSync(fd);
  } catch (error) {
    if (systemCode(error) === undefined) throw error;
  }
  return undefined;
}

/** The first bytes of a part. */
export async function* piecesOf({ fd }: Part, size: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < size;) {
    const wanted = Math.min(pieceSize, size - at);
    const { buffer, bytesRead } = await readFrom(fd, Buffer.allocUnsafe(wanted), 0, wanted, at);
    if (bytesRead === 0) return;
    at += bytesRead;
    yield buffer.subarray(0, bytesRead);
  }
}

/** Adds to a part while its bytes go elsewhere, too. */
export interface PartWriter {
  /** Takes bytes; waits only when the disk is slower than they come. */
  add(chunk: Uint8Array): Promise<void>;
  /** Waits until all is written; whether all of it could be. */
  flush(): Promise<boolean>;
}

/** A new part, in the place of an older one; undefined where none can be made. */
export function beginPart(path: string): Part | undefined {
  try {
    rmSync(path, { force: true });
    return { fd: openSync(path, 'wx+', 0o600), size: 0 };
  } catch (error) {
    if (systemCode(error) === undefined) throw error;
    return undefined;
  }
}

/** Adds to a part, behind its first bytes. */
export function writerBehind({ fd }: Part, first: number): PartWriter {
  let at = first;
  let waiting: Uint8Array[] = [];
  let bytes = 0;
  let failed = false;
  let writing: Promise<void> = Promise.resolve();

  async function write(chunks: readonly Uint8Array[], position: number): Promise<void> {
    try {
      let left = [...chunks];
      for (let done = 0; left.length > 0;) {
        let { bytesWritten } = await writeTo(fd, left, position + done);
        done += bytesWritten;
        left = left.flatMap((chunk) => {
          const taken = Math.min(bytesWritten, chunk.length);
          bytesWritten -= taken;
          return taken === chunk.length ? [] : [chunk.subarray(taken)];
        });
      }
    } catch {
      failed = true;
    }
  }
  async function begin(): Promise<void> {
    await writing;
    writing = write(waiting, at);
    [at, bytes, waiting] = [at + bytes, 0, []];
  }
  return {
    async add(chunk) {
      if (failed) return;
      waiting.push(chunk);
      bytes += chunk.length;
      if (bytes >= pieceSize) await begin();
    },
    async flush() {
      await begin();
      await writing;
      return !failed;
    },
  };
}
