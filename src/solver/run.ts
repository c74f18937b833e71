import type { Digest } from '../base/digest.ts';
import type { Ref } from '../base/ref.ts';
import type { Happening, Reason } from '../progress/event.ts';
import type { Failure, OpContext } from './op.ts';
import type { Pools } from './pools.ts';
import type { Finished, Grounds, Presence, Results, Turns } from './ports.ts';
import type { SharedWork } from './shared-work.ts';
import { change } from './states.ts';
import type { State } from './states.ts';
import type { Table } from './table.ts';

/** How a build is to go. */
export interface SolveOptions {
  /**
   * `build` uses what is known; `fresh` runs everything that is not pinned; `check` runs what is known too and compares;
   * `plan` runs nothing and says what would run.
   */
  readonly mode: 'build' | 'fresh' | 'check' | 'plan';
  /** After a failure, go on with what does not need it. */
  readonly keepGoing: boolean;
  readonly signal: AbortSignal;
  readonly emit: (happening: Happening) => void;
  /** Adds to reasons what takes a look into the inputs. */
  readonly describe: (reasons: readonly Reason[], signal: AbortSignal) => Promise<readonly Reason[]>;
  readonly output: (step: string, stream: 'stdout' | 'stderr', bytes: Uint8Array) => void;
}

/** What a build remembers by. */
export interface BuildParts {
  readonly results: Results;
  readonly presence: Presence;
}

/** The world of the solver, shared by all builds. */
export interface SolverParts {
  readonly turns: Turns;
  readonly pools: Pools;
  /** Milliseconds of a clock that only goes forward. */
  readonly now: () => number;
}

/** How a vertex's work ended. */
export type WorkEnd =
  /** `savedBy`: the build that has saved it already. */
  | { readonly how: 'made'; readonly outputs: readonly Ref[]; readonly took: number; readonly savedBy?: Run }
  | { readonly how: 'found'; readonly outputs: readonly Ref[] }
  | { readonly how: 'failed'; readonly failure: Failure }
  | { readonly how: 'thrown'; readonly error: unknown };

/** What happened outside of the loop of a build and has to be taken in by it. */
type Message = { readonly vertex: number; readonly compared: Digest } | { readonly vertex: number; readonly end: WorkEnd };

/** One build at work: the table, and lists of vertices that wait for the next turn of the loop. */
export interface Run extends Table {
  readonly options: SolveOptions;
  readonly parts: SolverParts & BuildParts;
  readonly shared: SharedWork;
  readonly targets: readonly number[];
  readonly ask: number[];
  readonly compare: number[];
  readonly compared: number[];
  readonly gather: number[];
  readonly messages: Message[];
  unsaved: Finished[];
  savedAt: number;
  /** Works and comparisons under way, each with what cancels it. */
  readonly active: Map<number, AbortController>;
  wake: () => void;
  /** Vertices that run whatever is recorded: their bytes are gone. */
  readonly again: Set<number>;
  /** Vertices that met damaged or missing input bytes once; a second time is a failure. */
  readonly healed: Set<number>;
  /** The identity of an input changed since the content key was made. */
  readonly stale: Set<number>;
  /** For `check`: what the record says. */
  readonly expected: Map<number, readonly Ref[]>;
  readonly differences: { readonly vertex: number; readonly expected: readonly Ref[]; readonly actual: readonly Ref[] }[];
  readonly failures: Map<number, Failure>;
  readonly last: Map<number, Grounds | undefined>;
  /** Length of the longest way from a vertex to a target; made when the first work is launched. */
  ranks: Float64Array | undefined;
  stopping: boolean;
  fatal: { readonly error: unknown } | undefined;
}

/** The name of a vertex. */
export function nameOf(run: Run, vertex: number): string {
  return run.graph.vertices[vertex]?.name ?? '';
}

/** Whether a vertex is in one of these states. */
export function isIn(run: Table, vertex: number, ...states: readonly State[]): boolean {
  return states.includes(run.states[vertex] ?? 'idle');
}

/** What an op is lent during this build. */
export function contextOf(
  options: Pick<SolveOptions, 'emit' | 'output'>,
  step: string,
  signal: AbortSignal,
): Required<OpContext> {
  return {
    signal,
    output: (stream, bytes) => options.output(step, stream, bytes),
    transfer: (done, total) => options.emit({ type: 'transfer', step, done, ...(total !== undefined && { total }) }),
    retry: (servers, ms) => options.emit({ type: 'retry', step, servers, ms }),
  };
}

/** The outputs of a vertex are known by name: whoever waits for them learns it. */
export function settleKnown(run: Run, vertex: number, outputs: readonly Ref[]): void {
  change(run.states, vertex, 'known');
  giveOutputs(run, vertex, outputs);
}

/** A vertex was made: its outputs are named and here. */
export function settleDone(run: Run, vertex: number, outputs: readonly Ref[]): void {
  change(run.states, vertex, 'done');
  giveOutputs(run, vertex, outputs);
  nowHere(run, vertex);
}

function giveOutputs(run: Run, vertex: number, outputs: readonly Ref[]): void {
  const before = run.outputs[vertex];
  run.outputs[vertex] = outputs;
  const users = run.users[vertex] ?? [];
  if (before === undefined) {
    for (const user of users) if (isIn(run, user, 'waiting')) countDown(run, user, run.compare);
  } else if (!sameRefs(before, outputs)) for (const user of users) run.stale.add(user);
}

/** The bytes of a vertex are here: whoever gathers them learns it. */
export function nowHere(run: Run, vertex: number): void {
  if (run.here[vertex] === 1) return;
  run.here[vertex] = 1;
  for (const user of run.users[vertex] ?? []) if (isIn(run, user, 'gathering')) countDown(run, user, run.gather);
}

/** The bytes of a vertex are gone after all. */
export function notHere(run: Run, vertex: number): void {
  if (run.here[vertex] === 0) return;
  run.here[vertex] = 0;
  for (const user of run.users[vertex] ?? []) if (isIn(run, user, 'gathering')) run.missing[user] = (run.missing[user] ?? 0) + 1;
}

function countDown(run: Run, vertex: number, whenNone: number[]): void {
  const left = (run.missing[vertex] ?? 0) - 1;
  run.missing[vertex] = left;
  if (left === 0) whenNone.push(vertex);
}

/** Whether two lists of results are the same. */
export function sameRefs(a: readonly Ref[], b: readonly Ref[]): boolean {
  return a.length === b.length && a.every((ref, index) => ref.digest === b[index]?.digest && ref.kind === b[index].kind);
}
