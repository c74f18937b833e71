import type { Chosen } from '../../artifacts/model/paths.ts';
import type { Results } from '../../artifacts/workflow/deliver.ts';
import type { BuildResult } from '../../engine/engine.ts';
import type { Graph } from '../../graph/graph.ts';
import type { BuildEvent } from '../../progress/event.ts';
import type { SolveOptions } from '../../solver/run.ts';
import type { Store } from '../../store/store.ts';
import { engineOver, opsOf, pinsOf } from '../../wiring.ts';
import { newBuildId } from '../build-id.ts';
import type { Invocation } from '../command.ts';
import { isAbove } from '../definition.ts';
import type { Definition } from '../definition.ts';
import { secretsOf } from '../secrets.ts';
import { flag } from '../values.ts';
import { version } from '../version.ts';

/** Steps to be made or looked up. */
export interface Wanted {
  readonly definition: Definition;
  /** What local paths of the definition may not leave, when the definition is below it. */
  readonly project: string;
  readonly steps: readonly string[];
  readonly store: Store;
  readonly mode: SolveOptions['mode'];
  readonly jobs: number;
  readonly emit: (event: BuildEvent) => void;
  readonly warn: (message: string) => void;
}

/** Builds steps, or plans them; what is held in the store is let go when the answer is disposed. */
export async function solveSteps({ options, signal }: Invocation, wanted: Wanted): Promise<BuildResult> {
  const { definition, project, steps, store, mode, jobs, emit, warn } = wanted;
  const { file, directory } = definition;
  const graph = targeting(definition.graph, steps);
  const secrets = secretsOf(options);
  const pins = await pinsOf({ file, graph }, { update: false, locked: flag(options, 'locked') });
  const bounds = isAbove(project, directory) ? { outermost: project } : {};
  await using ops = await opsOf(graph, { store, directory, ...bounds, pins, secrets, version: version(), warn, signal });
  const request = { build: newBuildId(new Date()), project: file, graph, targets: steps, mode, keepGoing: false };
  const result = await engineOver(store, jobs).build({ ...request, opFor: ops.opFor, signal, emit });
  if (mode !== 'plan') pins.save();
  return result;
}

/** The same graph with these steps as its targets. */
function targeting({ vertices }: Graph, steps: readonly string[]): Graph {
  const positions = new Map(vertices.map(({ name }, vertex) => [name, vertex]));
  const targets = steps.map((step) => {
    const vertex = positions.get(step);
    if (vertex === undefined) throw new Error(`The frontend named a step that is not there: ${step}`);
    return [step, { vertex, output: 0 }] as const;
  });
  return { vertices, targets: Object.fromEntries(targets) };
}

/** The results as they are delivered. */
export function resultsOf({ targets }: BuildResult, { blobs }: Store): Results {
  return { refs: targets, blobs };
}

/** The steps of variants that name any. */
export function namedSteps(chosen: readonly Chosen[]): readonly string[] {
  const steps = chosen.flatMap(({ variant }) => [variant.build?.step ?? [], variant.build?.initrd ?? []].flat());
  return [...new Set(steps)];
}
