import type { Artifact } from '../artifacts/model/artifact.ts';
import type { Graph } from './graph.ts';

/** A definition as it was found. */
export interface Source {
  /** A binary definition has one character for each byte (latin1). */
  readonly text: string;
  /** As messages should show it; `include` and other relative paths start at its directory. */
  readonly path: string;
}

/** What a frontend is lent of the world. */
export interface FrontendContext {
  /** `--set name=value`. */
  readonly set: Readonly<Record<string, string>>;
  /** The value of an environment variable that the definition declares. */
  env(name: string): string | undefined;
  /** The text of a file (`include`, the lock) by its path from the definition's directory; undefined when it is not there. */
  read(path: string): string | undefined;
  readonly signal: AbortSignal;
}

/** What a definition says. */
export interface Definition {
  readonly graph: Graph;
  /** What is shipped, and the steps that make it by their names in the graph. */
  readonly artifacts: readonly Artifact[];
}

/** Reads a definition; throws one PortkitError that shows every problem, each with its location. */
export interface Frontend {
  load(source: Source, context: FrontendContext): Promise<Definition>;
}
