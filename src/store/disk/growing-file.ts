import { readSync } from 'node:fs';
import { setImmediate } from 'node:timers/promises';
import type { BlobInfo } from '../blobs.ts';
import { syncFile, syncFileData, writeFully } from './durable.ts';
import { createFileHash } from './file-hash.ts';
import { createWriteBack } from './write-back.ts';

/** An open file that is filled from its beginning to its end. Dispose it before the descriptor is closed. */
export interface GrowingFile extends AsyncDisposable {
  readonly size: number;
  append(bytes: Uint8Array): void;
  /** Waits until the file is durable and hashed, which goes on at the same time. */
  finish(): Promise<BlobInfo>;
}

/** How a file grows. */
export interface Growth {
  /** Bytes that it will have; 0 when nobody knows. */
  readonly expected: number;
  /** Bytes that it has from before. */
  readonly present?: number;
  readonly signal: AbortSignal;
}

const pieceSize = 1 << 20;

/** Hashes a file and brings it to the disk while it is filled; what it has from before is hashed, too. */
export async function growFile(fd: number, { expected, present = 0, signal }: Growth): Promise<GrowingFile> {
  const writeBack = createWriteBack({ data: () => syncFileData(fd), whole: () => syncFile(fd) });
  const hash = createFileHash(fd, expected, signal);
  if (!hash.follow(present)) await hashPresent({ fd, present, signal, wrote: (bytes) => hash.wrote(bytes) });
  let size = present;
  return {
    get size() {
      return size;
    },
    append(bytes) {
      writeFully(fd, bytes, size);
      hash.wrote(bytes);
      writeBack.wrote(bytes.length);
      size += bytes.length;
    },
    async finish() {
      const [digest] = await Promise.all([hash.finish(), writeBack.finish()]);
      return { digest, size };
    },
    async [Symbol.asyncDispose]() {
      await hash[Symbol.asyncDispose]();
      await writeBack[Symbol.asyncDispose]();
    },
  };
}

interface Present {
  readonly fd: number;
  readonly present: number;
  readonly signal: AbortSignal;
  readonly wrote: (bytes: Uint8Array) => void;
}

async function hashPresent({ fd, present, signal, wrote }: Present): Promise<void> {
  const piece = Buffer.allocUnsafe(Math.min(pieceSize, present));
  for (let done = 0; done < present;) {
    const read = readSync(fd, piece, 0, Math.min(piece.length, present - done), done);
    if (read === 0) throw new Error(`A file that had ${present} bytes ends after ${done}`);
    wrote(piece.subarray(0, read));
    done += read;
    await setImmediate();
    signal.throwIfAborted();
  }
}
