import type { Digest } from '../base/digest.ts';
import type { Ref } from '../base/ref.ts';

/** What the result of a run rested on: what the next run is compared with to say why it runs. */
export interface Grounds {
  readonly code: string;
  readonly facts: Readonly<Record<string, string>>;
  readonly inputs: readonly { readonly name: string; readonly ref: Ref }[];
  /** Milliseconds it took. */
  readonly took: number;
}

/** A result to be remembered: under each of the keys, and as what its step last did (unless it was only found again). */
export interface Finished {
  /** Of what ran, the first is the content key: what identifies the run. */
  readonly keys: readonly Digest[];
  readonly outputs: readonly Ref[];
  readonly ran?: { readonly step: string; readonly grounds: Grounds };
}

/** What earlier builds left. A record whose outputs are gone is no record. */
export interface Results {
  /** The outputs recorded under these keys, asked in one go. */
  lookup(keys: readonly Digest[]): readonly (readonly Ref[] | undefined)[];
  /** Durable together when it returns. */
  save(finished: readonly Finished[]): void;
  /** What each of these steps rested on when it last ran. */
  lastRuns(steps: readonly string[]): readonly (Grounds | undefined)[];
}

/** Whether the bytes behind results are here. */
export interface Presence {
  /** A look that promises nothing and writes nothing. */
  look(refs: readonly Ref[]): readonly boolean[];
  /** What is here stays for the rest of the build. */
  hold(refs: readonly Ref[]): readonly boolean[];
}

/** Keeps two processes from doing the same work at the same time. */
export interface Turns {
  /** Waits for the turn. */
  take(key: Digest, signal: AbortSignal): Promise<Disposable>;
}
