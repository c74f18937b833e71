import type { PortkitError } from '../../base/errors.ts';

/** A failure that may be over when it is tried again; `problem` is what it is if it is not. */
export class PassingFailure extends Error {
  override readonly name = 'PassingFailure';
  readonly problem: PortkitError;
  /** How long the other side asked to wait. */
  readonly afterMs: number;

  constructor(problem: PortkitError, afterMs = 0) {
    super(problem.message);
    this.problem = problem;
    this.afterMs = afterMs;
  }
}

/** What waiting needs. */
export interface RetryWorld {
  now(): Date;
  /** Waits; rejects when the signal is aborted. */
  sleep(ms: number, signal: AbortSignal): Promise<void>;
  /** Is told what is waited for, and how long, before each wait. */
  waiting?(problem: PortkitError, ms: number): void;
  /** A number from 0 to 1, another each time, so that many clients do not come back at the same moment. */
  random(): number;
}

const mostTries = 5;
const firstWait = 200;
const longestWait = 5_000;
/** The longest wait that a server may ask for; one that asks for more is not waited for. */
const longestAskedWait = 60_000;

/** Counts what failed in a row, and waits longer each time. */
export interface Patience {
  /** Waits before another try, or throws the problem when there have been enough. */
  wait(failure: unknown, signal: AbortSignal): Promise<void>;
  /** Something came of the last try. */
  renew(): void;
}

/** A new count of failures. */
export function createPatience(world: RetryWorld): Patience {
  let tries = 1;
  return {
    async wait(failure, signal) {
      signal.throwIfAborted();
      if (!(failure instanceof PassingFailure)) throw failure;
      if (tries >= mostTries || failure.afterMs > longestAskedWait) throw failure.problem;
      const backOff = Math.min(firstWait * 3 ** (tries - 1), longestWait) * (0.5 + world.random() / 2);
      tries += 1;
      const wait = Math.max(backOff, failure.afterMs);
      world.waiting?.(failure.problem, wait);
      await world.sleep(wait, signal);
    },
    renew() {
      tries = 1;
    },
  };
}

/** Tries until it works, fails for good, or has failed too often. */
export async function retrying<T>(attempt: (round: number) => Promise<T>, world: RetryWorld, signal: AbortSignal): Promise<T> {
  const patience = createPatience(world);
  for (let round = 1; ; round += 1) {
    try {
      return await attempt(round);
    } catch (error) {
      await patience.wait(error, signal);
    }
  }
}

/** The wait that a `Retry-After` asks for: seconds or a date (RFC 9110, 10.2.3). */
export function retryAfter(value: string | undefined, now: Date): number {
  if (value === undefined) return 0;
  if (/^\d{1,9}$/.test(value)) return Number(value) * 1000;
  const date = Date.parse(value);
  return Number.isNaN(date) ? 0 : Math.max(0, date - now.getTime());
}
