import type { Ref } from '../base/ref.ts';
import type { Graph } from '../graph/graph.ts';
import { targetOf } from '../graph/target.ts';
import { walkTargets } from '../graph/walk.ts';
import type { Reason } from '../progress/event.ts';
import { abortAll, runToEnd } from './loop.ts';
import type { Failure, OpFor } from './op.ts';
import { contextOf, isIn } from './run.ts';
import type { BuildParts, Run, SolveOptions, SolverParts } from './run.ts';
import { createSharedWork } from './shared-work.ts';
import { change } from './states.ts';
import { makeTable } from './table.ts';
import { reasonsOf } from './works.ts';

/** What a plan says of a step: its result is known, it would run, or it depends on what would run before it. */
type Verdict = 'known' | 'run' | 'maybe' | 'unneeded';

/** What became of a build. */
export interface Solved {
  /** The targets that were made or known. */
  readonly targets: Readonly<Record<string, Ref>>;
  readonly failures: ReadonlyMap<number, Failure>;
  /** For `check`: steps that gave other bytes than their record says. */
  readonly differences: Run['differences'];
  /** For `plan`, by vertex: what would happen, and why. */
  readonly verdicts: ReadonlyMap<number, { readonly verdict: Verdict; readonly reasons: readonly Reason[] }>;
}

/** Solves graphs; many at once share works, pools and records. */
export interface Solver {
  /** Throws only what is no step's own failure: cancelled, a store that fails, a bug. */
  solve(graph: Graph, targets: readonly string[], how: SolveOptions & BuildParts & { readonly opFor: OpFor }): Promise<Solved>;
}

/** A solver over these parts. */
export function createSolver(parts: SolverParts): Solver {
  const shared = createSharedWork();
  return {
    async solve(graph, names, { opFor, results, presence, ...options }) {
      const targets = names.map((name) => targetOf(graph, name).vertex);
      const { order } = walkTargets(graph, names);
      const context = (vertex: number) => contextOf(options, graph.vertices[vertex]?.name ?? '', options.signal);
      const table = await makeTable(graph, order, { opFor, context, signal: options.signal });
      const run = newRun({ ...table, options, parts: { ...parts, results, presence }, shared, targets: [...new Set(targets)] });
      const onAbort = (): void => {
        abortAll(run, options.signal.reason);
        run.wake();
      };
      options.signal.addEventListener('abort', onAbort, { once: true });
      try {
        await runToEnd(run);
      } finally {
        options.signal.removeEventListener('abort', onAbort);
        if (options.mode !== 'plan') leave(run);
        // What was cancelled may still hold files and processes: the build is over when they have ended.
        if (options.signal.aborted || run.fatal !== undefined) await shared.idle();
      }
      return { ...run, targets: refsOf(run, names), verdicts: verdictsOf(run) };
    },
  };
}

type Given = 'options' | 'parts' | 'shared' | 'targets' | keyof Awaited<ReturnType<typeof makeTable>>;

function newRun(given: Pick<Run, Given>): Run {
  return {
    ...given,
    ask: [],
    compare: [],
    compared: [],
    gather: [],
    messages: [],
    unsaved: [],
    savedAt: given.parts.now(),
    active: new Map(),
    wake: () => undefined,
    again: new Set(),
    healed: new Set(),
    stale: new Set(),
    expected: new Map(),
    differences: [],
    failures: new Map(),
    last: new Map(),
    ranks: undefined,
    stopping: false,
    fatal: undefined,
  };
}

/** What nobody will work on any more. */
function leave(run: Run): void {
  for (const vertex of run.order) {
    if (isIn(run, vertex, 'idle', 'known', 'done', 'failed', 'blocked', 'cancelled')) continue;
    change(run.states, vertex, 'cancelled');
    run.options.emit({ type: 'step.cancelled', step: run.graph.vertices[vertex]?.name ?? '' });
  }
}

function refsOf(run: Run, names: readonly string[]): Record<string, Ref> {
  const refs = names.flatMap((name) => {
    const { vertex, output } = targetOf(run.graph, name);
    const ref = isIn(run, vertex, 'known', 'done') ? run.outputs[vertex]?.[output] : undefined;
    return ref === undefined ? [] : [[name, ref] as const];
  });
  return Object.fromEntries(refs);
}

function verdictsOf(run: Run): Solved['verdicts'] {
  if (run.options.mode !== 'plan') return new Map();
  const verdicts = new Map<number, { verdict: Verdict; reasons: readonly Reason[] }>();
  for (const vertex of run.order) {
    const state = run.states[vertex] ?? 'idle';
    if (state === 'planned') verdicts.set(vertex, { verdict: 'run', reasons: reasonsOf(run, vertex) });
    else verdicts.set(vertex, { verdict: state === 'idle' ? 'unneeded' : state === 'known' ? 'known' : 'maybe', reasons: [] });
  }
  return verdicts;
}
