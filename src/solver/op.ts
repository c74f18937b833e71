import type { ErrorCode } from '../base/errors.ts';
import type { Ref } from '../base/ref.ts';
import type { Vertex } from '../graph/graph.ts';

/** Which of the scarce things an op needs while it runs. */
export type PoolName = 'cpu' | 'io' | 'network' | 'none';

/** What an op is lent while it works. */
export interface OpContext {
  readonly signal: AbortSignal;
  /** Text the step writes; it goes to the step's log on disk and to whoever watches. */
  readonly output: (stream: 'stdout' | 'stderr', bytes: Uint8Array) => void;
  /** Bytes moved so far, of how many. */
  readonly transfer: (done: number, total?: number) => void;
  /** The op waits (milliseconds) before it asks these servers again. */
  readonly retry?: (servers: readonly string[], ms: number) => void;
}

/** Why a step failed, as data. */
export interface Failure {
  readonly code: ErrorCode;
  readonly message: string;
  readonly hint?: string;
}

/** What became of a step that ran. An exception is for what is not the step's own failure: cancelled, disk full, a bug. */
export type Outcome =
  | { readonly ok: true; readonly outputs: readonly Ref[]; readonly detail?: unknown }
  | { readonly ok: false; readonly failure: Failure };

/** One vertex ready to be asked and run. */
export interface Op {
  /** The kind of op and the version of its code, like `exec/1`: a part of every key, raised when the same facts give other bytes. */
  readonly code: string;
  /**
   * Everything besides the inputs that decides the result, as facts with names (`url`, `tool cc`, `env TZ`): hashed into the
   * keys together with `code`, and kept for `why`. Asked once a build.
   */
  facts(context: OpContext): Facts | Promise<Facts>;
  readonly pool: PoolName;
  /** The parts of its inputs that it reads, so that a change elsewhere in them does not count. Unless given: all of them. */
  narrow?(inputs: readonly Ref[], signal: AbortSignal): Promise<readonly Ref[]>;
  run(inputs: readonly Ref[], context: OpContext): Promise<Outcome>;
}

/** See `Op.facts`; `outputs` short-cuts sources whose content is known without running (local files, a known digest). */
export interface Facts {
  readonly facts: Readonly<Record<string, string>>;
  readonly outputs?: readonly Ref[];
}

/** Makes the op of a vertex. */
export type OpFor = (vertex: Vertex) => Op;
