import { createSingleFlight } from '../base/single-flight.ts';
import type { OpContext } from './op.ts';

/** Somebody who follows a work. */
export interface Follower extends Omit<Required<OpContext>, 'signal'> {
  readonly started: () => void;
}

/** Works by key: builds that need the same one share it, and it ends when the last of them has left. */
export interface SharedWork {
  run<T>(
    key: string,
    follower: Follower,
    how: { readonly signal: AbortSignal; readonly work: (all: Follower, signal: AbortSignal) => Promise<T> },
  ): Promise<T>;
  /** Resolves when no work is under way any more, cancelled ones included. */
  idle(): Promise<void>;
}

interface Followed {
  readonly followers: Set<Follower>;
  started: boolean;
}

/** A new set of shared works. */
export function createSharedWork(): SharedWork {
  const flights = createSingleFlight<unknown>();
  const followed = new Map<string, Followed>();
  const underWay = new Set<Promise<unknown>>();
  function broadcast(one: Followed): Follower {
    return {
      started() {
        one.started = true;
        for (const follower of one.followers) follower.started();
      },
      output(stream, bytes) {
        for (const follower of one.followers) follower.output(stream, bytes);
      },
      transfer(done, total) {
        for (const follower of one.followers) follower.transfer(done, total);
      },
      retry(servers, ms) {
        for (const follower of one.followers) follower.retry(servers, ms);
      },
    };
  }
  function tracked<T>(promise: Promise<T>): Promise<T> {
    underWay.add(promise);
    const gone = (): void => void underWay.delete(promise);
    promise.then(gone, gone);
    return promise;
  }
  return {
    async run(key, follower, { signal, work }) {
      const one = followed.get(key) ?? { followers: new Set<Follower>(), started: false };
      followed.set(key, one);
      one.followers.add(follower);
      if (one.started) follower.started();
      try {
        const result = await flights.run(key, (stop) => tracked(work(broadcast(one), stop)), signal);
        // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- works of one key give one type
        return result as Awaited<ReturnType<typeof work>>;
      } finally {
        one.followers.delete(follower);
        if (one.followers.size === 0 && followed.get(key) === one) followed.delete(key);
      }
    },
    async idle() {
      while (underWay.size > 0) await Promise.allSettled(underWay);
    },
  };
}
