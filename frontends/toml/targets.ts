import type { Graph, Input, Vertex } from '../../src/graph/graph.ts';
import type { Finding } from './findings.ts';
import { resolveStep } from './plan.ts';
import { stepReference } from './references.ts';
import type { Tables } from './tables.ts';
import { expand } from './variables.ts';
import type { Work } from './vertices.ts';
import { showPath } from './words.ts';

/**
 * What is built by name: `[targets]`, or every step that no other uses; and every postprocessor. A step with cells is one
 * target for each.
 */
export function targetsOf(
  tables: Tables,
  { plan, scope, lost, postprocessed }: Work & { readonly postprocessed: Iterable<string> },
  vertices: readonly Vertex[],
): { readonly targets: Graph['targets']; readonly findings: readonly Finding[] } {
  const targets: [string, Input][] = [...postprocessed].flatMap((name) =>
    [...(plan.steps.get(name)?.positions.values() ?? [])].map((vertex): [string, Input] => [name, { vertex, output: 0 }]),
  );
  if (tables.targets.size === 0)
    return { targets: { ...unused(vertices, plan.count), ...Object.fromEntries(targets) }, findings: [] };
  const findings: Finding[] = [];
  for (const { name, value, place } of tables.targets.values()) {
    const complain = ({ message, ...rest }: Pick<Finding, 'code' | 'message' | 'hint'>): unknown =>
      findings.push({ ...rest, message: `${showPath(place.path)}: ${message}`, place: { ...place, at: 'value' } });
    if (typeof value !== 'string') continue;
    const reference = expand(value, scope, complain);
    const parts = stepReference(reference);
    const step = parts && plan.steps.get(parts.name);
    if (parts !== undefined && lost.has(parts.name)) continue;
    if (step !== undefined && parts?.cell === undefined) {
      for (const [label, vertex] of step.positions) targets.push([name + label, { vertex, output: 0 }]);
      continue;
    }
    const found = resolveStep(plan, reference, { values: new Map(), label: '' });
    if (typeof found === 'number') targets.push([name, { vertex: found, output: 0 }]);
    else complain(found);
  }
  return { targets: Object.fromEntries(targets), findings };
}

/** Directories that are only named in passing come after `count` and are no targets. */
function unused(vertices: readonly Vertex[], count: number): Graph['targets'] {
  const used = new Set(vertices.flatMap((vertex) => vertex.inputs.map((input) => input.vertex)));
  return Object.fromEntries(
    vertices.slice(0, count).flatMap(({ name }, vertex) => (used.has(vertex) ? [] : [[name, { vertex, output: 0 }]])),
  );
}
