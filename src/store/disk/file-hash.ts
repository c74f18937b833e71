import { createHash } from 'node:crypto';
import type { Hash } from 'node:crypto';
import { availableParallelism } from 'node:os';
import { digestFromHex } from '../../base/digest.ts';
import type { Digest } from '../../base/digest.ts';
import { tellProgress } from './hash-tail.ts';
import { answerOf, startHashThread } from './hash-thread.ts';

/** Contents of at least this many bytes are hashed by a thread of their own: it takes about 35 ms until it works. */
export const worthATail = 96 << 20;

/** Threads that may follow files at once; with one core there is nothing to win. */
const mostTails = availableParallelism() === 1 ? 0 : Math.min(availableParallelism(), 8);
let tails = 0;

/** The digest of a file that is being filled. */
export interface FileHash extends AsyncDisposable {
  /** Says, before anything was written, that the file has so many bytes from before; false when they are to be told with `wrote`. */
  follow(bytes: number): boolean;
  /** Says that these bytes now stand at the end of the file. */
  wrote(chunk: Uint8Array): void;
  /** The digest once everything was written. */
  finish(): Promise<Digest>;
}

/**
 * Hashes a file while it is filled: in this thread when it is short, else in one that reads it right behind the writer.
 * A content that turns out to be long only on the way is begun anew by the thread, which costs this one nothing. Dispose
 * it before the descriptor is closed: the thread reads from it.
 */
export function createFileHash(fd: number, expected: number, signal: AbortSignal): FileHash {
  let size = 0;
  let hash: Hash | undefined = createHash('sha256');
  let tail = expected >= worthATail ? startTail(fd, signal) : undefined;
  return {
    follow(bytes) {
      if (bytes === 0) return true;
      if (bytes >= worthATail) tail ??= startTail(fd, signal);
      if (tail === undefined) return false;
      size = bytes;
      tail.grow(size, false);
      return true;
    },
    wrote(chunk) {
      const before = size;
      size += chunk.length;
      if (before < worthATail && size >= worthATail) tail ??= startTail(fd, signal);
      if (tail === undefined) hash?.update(chunk);
      else {
        hash = undefined;
        tail.grow(size, false);
      }
    },
    async finish() {
      if (tail === undefined) return digestFromHex(hash?.digest('hex') ?? '');
      tail.grow(size, true);
      return digestFromHex(await tail.answer);
    },
    async [Symbol.asyncDispose]() {
      await tail?.end();
      tail = undefined;
    },
  };
}

interface Tail {
  readonly answer: Promise<string>;
  grow(size: number, ended: boolean): void;
  end(): Promise<void>;
}

/** Starts the thread that follows a file, unless enough of them are at work. */
function startTail(fd: number, signal: AbortSignal): Tail | undefined {
  if (tails >= mostTails) return undefined;
  const job = { fd, progress: new BigInt64Array(new SharedArrayBuffer(8)) };
  const worker = startHashThread({ kind: 'tail', ...job });
  tails += 1;
  const answer = answerOf(worker, 'tail', signal);
  answer.catch(() => undefined);
  return {
    answer,
    grow: (size, ended) => tellProgress(job, size, ended),
    async end() {
      tails -= 1;
      await worker.terminate();
    },
  };
}
