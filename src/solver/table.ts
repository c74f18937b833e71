import type { Digest } from '../base/digest.ts';
import { PortkitError } from '../base/errors.ts';
import type { Ref } from '../base/ref.ts';
import type { Graph } from '../graph/graph.ts';
import { keyOf } from './keys.ts';
import type { KeyInput } from './keys.ts';
import type { Facts, Failure, Op, OpContext, OpFor } from './op.ts';
import type { State } from './states.ts';

/** Everything about the vertices of one build, by vertex number; what is not needed by the targets has no op. */
export interface Table {
  readonly graph: Graph;
  /** The vertices that the targets need, inputs first. */
  readonly order: readonly number[];
  readonly ops: (Op | undefined)[];
  readonly facts: (Facts | undefined)[];
  /** Why a vertex could not even be asked. */
  readonly refusals: Map<number, Failure>;
  readonly definitions: (Digest | undefined)[];
  readonly contents: (Digest | undefined)[];
  readonly states: State[];
  readonly outputs: (readonly Ref[] | undefined)[];
  /** 1 while the bytes of all outputs are known to be here, and stay. */
  readonly here: Uint8Array;
  /** Inputs that are still to come, of what the vertex waits for. */
  readonly missing: Int32Array;
  /** The vertices that a vertex uses, and those that use it, each once. */
  readonly sources: readonly (readonly number[])[];
  readonly users: readonly number[][];
}

/** What asking ops takes. */
interface Asking {
  readonly opFor: OpFor;
  readonly context: (vertex: number) => OpContext;
  readonly signal: AbortSignal;
}

/** Asks every op of the build for its facts, and makes the definition keys. */
export async function makeTable(graph: Graph, order: readonly number[], how: Asking): Promise<Table> {
  const size = graph.vertices.length;
  const table: Table = {
    graph,
    order,
    ops: Array.from({ length: size }),
    facts: Array.from({ length: size }),
    refusals: new Map(),
    definitions: Array.from({ length: size }),
    contents: Array.from({ length: size }),
    states: Array.from({ length: size }, () => 'idle'),
    outputs: Array.from({ length: size }),
    here: new Uint8Array(size),
    missing: new Int32Array(size),
    sources: graph.vertices.map(({ inputs }) => (inputs.length < 2 ? inputs.map(({ vertex }) => vertex) : distinct(inputs))),
    users: Array.from({ length: size }, () => []),
  };
  for (const vertex of order) for (const source of table.sources[vertex] ?? []) table.users[source]?.push(vertex);
  await askFacts(table, how);
  for (const vertex of order) table.definitions[vertex] = definitionOf(table, vertex);
  return table;
}

function distinct(inputs: readonly { readonly vertex: number }[]): readonly number[] {
  return [...new Set(inputs.map(({ vertex }) => vertex))];
}

/** Facts that have to be waited for (a directory is looked at) are asked this many at a time. */
const facing = 16;

async function askFacts(table: Table, { opFor, context, signal }: Asking): Promise<void> {
  let waiting: Promise<void>[] = [];
  for (const vertex of table.order) {
    const spec = table.graph.vertices[vertex];
    if (spec === undefined) continue;
    try {
      const op = opFor(spec);
      table.ops[vertex] = op;
      const facts = op.facts(context(vertex));
      if (facts instanceof Promise) {
        waiting.push(
          facts.then(
            (found) => void (table.facts[vertex] = found),
            (error: unknown) => refuse(table, vertex, error),
          ),
        );
      } else table.facts[vertex] = facts;
    } catch (error) {
      refuse(table, vertex, error);
    }
    if (waiting.length < facing) continue;
    await Promise.all(waiting);
    waiting = [];
    signal.throwIfAborted();
  }
  await Promise.all(waiting);
  signal.throwIfAborted();
}

function refuse(table: Table, vertex: number, error: unknown): void {
  table.refusals.set(vertex, failureOf(error));
}

/** An error that a step met with, as data; what is not ours is a bug and goes on. */
export function failureOf(error: unknown): Failure {
  if (!(error instanceof PortkitError)) throw error;
  const { code, message, hint } = error;
  return { code, message, ...(hint !== undefined && { hint }) };
}

/** Known content is its own definition; what rests on something that could not be asked has none. */
function definitionOf(table: Table, vertex: number): Digest | undefined {
  const op = table.ops[vertex];
  const facts = table.facts[vertex];
  if (op === undefined || facts === undefined) return undefined;
  const inputs: KeyInput[] = [];
  for (const { vertex: source, output } of table.graph.vertices[vertex]?.inputs ?? []) {
    const ref = table.facts[source]?.outputs?.[output];
    const definition = table.definitions[source];
    if (ref !== undefined) inputs.push(ref);
    else if (definition === undefined) return undefined;
    else inputs.push({ definition, output });
  }
  return keyOf(op.code, facts.facts, inputs);
}
