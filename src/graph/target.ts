import { PortkitError } from '../base/errors.ts';
import { suggest } from '../base/suggest.ts';
import type { Graph } from './graph.ts';

/** The target of a name; PK3002 when there is none, with the one that was meant if another has nearly this name. */
export function targetOf(graph: Graph, name: string): Graph['targets'][string] {
  const target = Object.hasOwn(graph.targets, name) ? graph.targets[name] : undefined;
  if (target !== undefined) return target;
  const known = Object.keys(graph.targets);
  const near = suggest(name, known);
  throw new PortkitError('PK3002', `There is no target ${JSON.stringify(name)}`, {
    hint: near === undefined ? `The targets are: ${known.slice(0, 20).join(', ')}` : `Did you mean "${near}"?`,
  });
}
