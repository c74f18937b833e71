import type { Worker } from 'node:worker_threads';
import { PortkitError, systemCode } from '../../base/errors.ts';
import type { BadPiece, Piece } from './hash-pieces.ts';
import type { TailJob } from './hash-tail.ts';

/** What a hash thread is asked to do. */
export type HashJob = { readonly kind: 'pieces'; readonly pieces: readonly Piece[] } | ({ readonly kind: 'tail' } & TailJob);

/** What a hash thread answers to each kind of job. */
interface Answers {
  readonly pieces: readonly BadPiece[];
  readonly tail: string;
}

/** Starts a thread for a job (about 35 ms until it works). Most processes need none, so Node's part is loaded only here. */
export function startHashThread(job: HashJob): Worker {
  const { Worker } = process.getBuiltinModule('node:worker_threads');
  return new Worker(new URL('./hash-worker.ts', import.meta.url), { workerData: job });
}

/**
 * Waits for a thread's answer; an abort ends the thread, and a thread that dies is an error with a code. Disk errors keep
 * the system's code, so that they are told like those of the main thread.
 */
export function answerOf<Kind extends keyof Answers>(worker: Worker, kind: Kind, signal: AbortSignal): Promise<Answers[Kind]> {
  const { promise, resolve, reject } = Promise.withResolvers<Answers[Kind]>();
  function stop(): void {
    reject(signal.reason);
    void worker.terminate();
  }
  signal.addEventListener('abort', stop, { once: true });
  if (signal.aborted) stop();
  worker.once('message', resolve);
  worker.once('error', (error) => reject(fromSystem(error) ? error : died(kind, error)));
  worker.once('exit', () => reject(died(kind)));
  return promise.finally(() => signal.removeEventListener('abort', stop));
}

function fromSystem(error: unknown): boolean {
  return error instanceof Error && 'syscall' in error && systemCode(error) !== undefined;
}

function died(kind: string, cause?: unknown): PortkitError {
  return new PortkitError('PK7001', `A thread that hashed ${kind} ended without an answer`, {
    hint: 'Nothing was stored: run it again, with fewer things at once if memory is short',
    cause,
  });
}
