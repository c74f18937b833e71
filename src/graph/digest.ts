import { canonicalJson } from '../base/canonical.ts';
import type { Digest } from '../base/digest.ts';
import { digestOf } from '../base/digest.ts';
import type { Graph } from './graph.ts';
import type { OpSpec } from './ops.ts';
import { walkAll } from './walk.ts';

/**
 * The digest of every vertex, by position: of its op and of what its inputs are, so that two vertices which ask for the
 * same thing have the same digest. Names, places and the parts of an op that are in no key leave no trace.
 * The graph must have no cycle.
 */
export function vertexDigests(graph: Graph): readonly Digest[] {
  const { order, cycles } = walkAll(graph);
  if (cycles.length > 0) throw new Error('A graph with a cycle has no digests');
  const digests: Digest[] = Array.from({ length: graph.vertices.length });
  for (const position of order) {
    const vertex = graph.vertices[position];
    if (vertex === undefined) continue;
    const inputs = vertex.inputs.map((input) => `${digests[input.vertex]}#${input.output}`);
    digests[position] = digestOf(`${canonicalJson(identity(vertex.op))}\n${inputs.join('\n')}`);
  }
  return digests;
}

/** The op without what its comments exempt from the key. */
function identity(op: OpSpec): OpSpec {
  if (op.type === 'fetch' && op.mirrors !== undefined) {
    const { mirrors: _, ...rest } = op;
    return rest;
  }
  if (op.type === 'exec' && op.caches !== undefined) {
    const { caches: _, ...rest } = op;
    return rest;
  }
  return op;
}
