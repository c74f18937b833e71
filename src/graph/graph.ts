import type { OpSpec } from './ops.ts';

/** Where a vertex was written; lines and columns begin at 1. */
export interface Location {
  readonly file: string;
  readonly line: number;
  readonly column: number;
  readonly endColumn?: number;
}

/** The output of another vertex, by its position in the graph. */
export interface Input {
  readonly vertex: number;
  readonly output: number;
}

/** One step: an op and the results it works on. The name and the location are for people and in no key. */
export interface Vertex {
  readonly name: string;
  readonly op: OpSpec;
  readonly inputs: readonly Input[];
  readonly location?: Location;
}

/** What should be built: steps in any order, and names for the results that may be asked for. */
export interface Graph {
  readonly vertices: readonly Vertex[];
  readonly targets: Readonly<Record<string, Input>>;
}
