import { join } from 'node:path';
import type { Digest } from '../base/digest.ts';
import { PortkitError } from '../base/errors.ts';
import type { Ref } from '../base/ref.ts';
import type { Graph } from '../graph/graph.ts';
import { walkTargets } from '../graph/walk.ts';
import type { BuildEvent } from '../progress/event.ts';
import type { OpFor } from '../solver/op.ts';
import { createPools } from '../solver/pools.ts';
import type { PoolLimits } from '../solver/pools.ts';
import type { Presence } from '../solver/ports.ts';
import { createSolver } from '../solver/solver.ts';
import type { Solved } from '../solver/solver.ts';
import type { SolveOptions } from '../solver/run.ts';
import type { Store } from '../store/store.ts';
import { changedPaths, describeReasons } from './changes.ts';
import { createTeller } from './events.ts';
import { createHistory } from './history.ts';
import type { History } from './history.ts';
import { createLogs } from './logs.ts';
import { createPresence, createResults, createTurns } from './memory.ts';
import { recordSteps } from './past-steps.ts';

/** What an engine works with. */
export interface EngineParts {
  readonly store: Store;
  readonly limits: PoolLimits;
  /** Milliseconds since 1970. */
  readonly wallClock: () => number;
  /** Milliseconds of a clock that only goes forward. */
  readonly now: () => number;
}

/** One build to do. */
interface BuildRequest {
  /** Its name: unique, and sorting by time. */
  readonly build: string;
  /** What keeps the steps of one definition apart from those of another: its path. */
  readonly project: string;
  readonly graph: Graph;
  readonly targets: readonly string[];
  readonly mode: SolveOptions['mode'];
  readonly keepGoing: boolean;
  readonly opFor: OpFor;
  readonly signal: AbortSignal;
  readonly emit: (event: BuildEvent) => void;
}

/** What became of a build. What it holds stays in the store until it is disposed. */
export interface BuildResult extends Disposable {
  readonly ok: boolean;
  readonly targets: Readonly<Record<string, Ref>>;
  /** Steps that failed, by name. */
  readonly failures: readonly string[];
  /** For `check`: steps that came out otherwise than recorded, with the first paths that differ. */
  readonly differences: readonly {
    readonly step: string;
    readonly expected: Ref;
    readonly actual: Ref;
    readonly paths: readonly string[];
  }[];
  readonly plan: readonly ({ readonly step: string } & (Solved['verdicts'] extends ReadonlyMap<number, infer One>
    ? One
    : never))[];
  /** Keeps the targets from being collected while somebody takes them away; throws (PK2002) when one is gone already. */
  hold(): void;
}

/** Builds, and remembers what was built. */
export interface Engine {
  build(request: BuildRequest): Promise<BuildResult>;
  readonly history: History;
}

/** An engine over a store. */
export function createEngine({ store, limits, wallClock, now }: EngineParts): Engine {
  const solver = createSolver({ turns: createTurns(store), pools: createPools(limits), now });
  const history = createHistory(join(store.directory, 'history.jsonl'));
  return {
    history,
    async build({ emit, ...request }) {
      const { graph, build, project, targets, signal } = request;
      using logs = createLogs(join(store.directory, 'logs'), build);
      using held = new DisposableStack();
      const presence = held.use(createPresence(store, build));
      const steps = recordSteps(emit);
      const { tell, output } = createTeller(graph, logs, { now, emit: steps.emit });
      const [at, start] = [wallClock(), now()];
      const total = walkTargets(graph, targets).order.length;
      tell({ type: 'build.started', build, targets, steps: total });
      let ok = false;
      let made: Solved['targets'] = {};
      try {
        const describe: SolveOptions['describe'] = (reasons, stop) => describeReasons(reasons, { store, signal: stop });
        const results = steps.noting(createResults(store, project));
        const solved = await solver.solve(graph, targets, { ...request, results, presence, emit: tell, output, describe });
        made = solved.targets;
        const differences = await differencesOf(graph, solved, { store, signal });
        ok = solved.failures.size === 0 && differences.length === 0;
        const kept = held.move();
        return { ...resultOf(graph, solved, { presence, ok, differences }), [Symbol.dispose]: () => kept.dispose() };
      } finally {
        tell({ type: 'build.finished', ok });
        const took = Math.round(now() - start);
        const past = { v: 1 as const, build, project, at, took, ok, targets: made, steps: total, ran: steps.ran() };
        if (request.mode !== 'plan') history.add(past);
      }
    },
  };
}

function resultOf(
  graph: Graph,
  solved: Solved,
  { presence, ...rest }: { presence: Presence; ok: boolean; differences: BuildResult['differences'] },
): Omit<BuildResult, typeof Symbol.dispose> {
  const nameOf = (vertex: number): string => graph.vertices[vertex]?.name ?? '';
  return {
    ...rest,
    targets: solved.targets,
    failures: [...solved.failures.keys()].map(nameOf),
    plan: [...solved.verdicts].map(([vertex, verdict]) => ({ step: nameOf(vertex), ...verdict })),
    hold() {
      const refs = Object.values(solved.targets);
      const gone = refs[presence.hold(refs).indexOf(false)];
      if (gone !== undefined) throw lost(gone.digest);
    },
  };
}

function lost(digest: Digest): PortkitError {
  return new PortkitError('PK2002', `The result ${digest} was collected while the build ended`, { hint: 'Build again' });
}

async function differencesOf(
  graph: Graph,
  { differences }: Solved,
  world: { readonly store: Store; readonly signal: AbortSignal },
): Promise<BuildResult['differences']> {
  const found: BuildResult['differences'][number][] = [];
  for (const { vertex, expected, actual } of differences) {
    for (const [index, before] of expected.entries()) {
      const after = actual[index];
      if (after === undefined || after.digest === before.digest) continue;
      const paths = await changedPaths(before, after, { ...world, most: 20 }).catch(() => []);
      found.push({ step: graph.vertices[vertex]?.name ?? '', expected: before, actual: after, paths });
    }
  }
  return found;
}
