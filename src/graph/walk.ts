import type { Graph } from './graph.ts';

/** What a walk found: every vertex it met after all of its inputs, and cycles, each as the vertices on it in order of use. */
export interface Walk {
  readonly order: readonly number[];
  readonly cycles: readonly (readonly number[])[];
}

/** More cycles than these are not told apart: a hostile graph has very many. */
const enoughCycles = 20;

/** The vertices that the given ones need, themselves included. Inputs that do not exist are passed over. */
function walk(graph: Graph, from: Iterable<number>): Walk {
  const { vertices } = graph;
  const order: number[] = [];
  const cycles: number[][] = [];
  /** 0 for not met; the place on the path plus 1 while it is on it; -1 when done. */
  const state = new Int32Array(vertices.length);
  const path: number[] = [];
  const nextInput: number[] = [];
  function enter(vertex: number): void {
    state[vertex] = path.push(vertex);
    nextInput.push(0);
  }
  for (const root of from) {
    if (state[root] === 0) enter(root);
    while (path.length > 0) {
      const top = path.length - 1;
      const vertex = path[top] ?? 0;
      const at = nextInput[top] ?? 0;
      const inputs = vertices[vertex]?.inputs ?? [];
      const input = inputs[at];
      if (input === undefined) {
        state[vertex] = -1;
        order.push(vertex);
        path.pop();
        nextInput.pop();
        continue;
      }
      nextInput[top] = at + 1;
      const met = state[input.vertex];
      if (met === 0) enter(input.vertex);
      else if (met !== undefined && met > 0 && cycles.length < enoughCycles) cycles.push(path.slice(met - 1));
    }
  }
  return { order, cycles };
}

/** Every vertex of a graph, inputs first. */
export function walkAll(graph: Graph): Walk {
  return walk(graph, graph.vertices.keys());
}

/** The vertices that the named targets need (all targets when none is named), inputs first. */
export function walkTargets(graph: Graph, names: readonly string[] = Object.keys(graph.targets)): Walk {
  return walk(
    graph,
    names.flatMap((name) => (Object.hasOwn(graph.targets, name) ? [graph.targets[name]?.vertex ?? -1] : [])),
  );
}

/** The vertices that one needs, inputs first and itself last. */
export function walkFrom(graph: Graph, vertex: number): readonly number[] {
  return walk(graph, [vertex]).order;
}
