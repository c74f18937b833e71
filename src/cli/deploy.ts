import type { Engine } from '../engine/engine.ts';
import type { Graph } from '../graph/graph.ts';
import { layoutInput } from '../graph/program-ops.ts';
import type { Ref } from '../base/ref.ts';
import type { BuildEvent } from '../progress/event.ts';
import { secretOf } from '../wiring.ts';
import { newBuildId } from './build-id.ts';

/** Targets in two: what is built and exported, and the deployments that come after that, in the order of the definition. */
export interface Split {
  /** With every layout that is deployed among its targets. */
  readonly graph: Graph;
  readonly targets: readonly string[];
  readonly deployments: readonly Deployment[];
}

/** A target that deploys, and the target that it deploys. */
interface Deployment {
  readonly name: string;
  readonly layout: string;
}

/** What a deployment did, for programs that read the results of a build. */
export interface DeployReceipt {
  readonly deployment: string;
  readonly ok: boolean;
  /** The layout that it was given. */
  readonly layout: string;
  readonly ms: number;
  readonly code?: string;
  readonly message?: string;
  readonly hint?: string;
}

/**
 * Deployments are done when they are named, never because everything is built. One that is named stands for the target that
 * it deploys, which is made and exported first.
 */
export function splitTargets(graph: Graph, wanted: readonly string[], isNamed: boolean): Split {
  const all = new Map(Object.entries(graph.targets));
  const deployments = new Map<string, Deployment>();
  for (const [name, { vertex }] of all) {
    const { op, inputs } = graph.vertices[vertex] ?? {};
    const input = op?.type === 'deploy' ? inputs?.[op.inputs.indexOf(layoutInput)] : undefined;
    if (input === undefined) continue;
    const known = [...all].find(([, one]) => one.vertex === input.vertex)?.[0];
    const layout = known ?? graph.vertices[input.vertex]?.name ?? '';
    if (known === undefined) all.set(layout, input);
    deployments.set(name, { name, layout });
  }
  const targets = wanted.flatMap((name) => {
    const deployment = deployments.get(name);
    if (deployment === undefined) return name;
    return isNamed ? deployment.layout : [];
  });
  const chosen = isNamed ? [...deployments.values()].filter(({ name }) => wanted.includes(name)) : [];
  // Names may come in any order; steps are in that of the definition.
  chosen.sort((a, b) => (all.get(a.name)?.vertex ?? 0) - (all.get(b.name)?.vertex ?? 0));
  return { graph: { ...graph, targets: Object.fromEntries(all) }, targets: [...new Set(targets)], deployments: chosen };
}

/** Says that a secret is missing (PK3108) before everything is built and published for a deployment that cannot be done. */
export function requireSecrets({ graph, deployments }: Split, secrets: Parameters<typeof secretOf>[1]): void {
  for (const { name } of deployments) {
    const { op } = graph.vertices[graph.targets[name]?.vertex ?? -1] ?? {};
    if (op?.type === 'deploy') for (const one of op.secrets ?? []) secretOf(one.name, secrets);
  }
}

/** What deploying takes. */
interface Deploying {
  readonly engine: Engine;
  readonly request: Omit<Parameters<Engine['build']>[0], 'build' | 'targets' | 'mode' | 'emit'>;
  /** What was built. */
  readonly made: Readonly<Record<string, Ref>>;
  /** Watches one deployment, and is done with it. */
  readonly watch: () => { take(event: BuildEvent): void; end(): void };
}

/** Does the deployments one after the other, and none after one that fails. */
export async function deployAll(
  deployments: readonly Deployment[],
  { engine, request, made, watch }: Deploying,
): Promise<readonly DeployReceipt[]> {
  const receipts: DeployReceipt[] = [];
  for (const { name, layout } of deployments) {
    const watched = watch();
    let ms = 0;
    let failure: Pick<DeployReceipt, 'code' | 'message' | 'hint'> = {};
    const emit = (event: BuildEvent): void => {
      watched.take(event);
      ms = Math.round(event.at);
      if (event.type !== 'step.failed') return;
      const { code, message, hint } = event;
      failure = { code, message, ...(hint !== undefined && { hint }) };
    };
    try {
      const build = newBuildId(new Date());
      using result = await engine.build({ ...request, build, targets: [name], mode: 'build', emit });
      receipts.push({ deployment: name, ok: result.ok, layout: made[layout]?.digest ?? '', ms, ...failure });
      if (!result.ok) break;
    } finally {
      watched.end();
    }
  }
  return receipts;
}

/** A deployment in one line. */
export function showDeployment({ deployment, ok, ms }: DeployReceipt): string {
  return `deploy ${deployment}: ${ok ? 'done' : 'failed'} in ${(ms / 1000).toFixed(1)} s`;
}
