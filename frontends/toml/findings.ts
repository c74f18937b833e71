import type { ErrorCode } from '../../src/base/errors.ts';
import type { Location } from '../../src/graph/graph.ts';
import type { Definition } from './schema/definition.ts';

/** One file of a definition, as it was parsed. */
export interface Document {
  /** As messages show it. */
  readonly file: string;
  /** The folder of the file, relative to the definition's; '' for that itself. */
  readonly folder: string;
  /** What is located: the text without the parts that could not be parsed, each blanked. */
  readonly parsed: string;
  /** Whether any text in it can hold a `${`: most files have none, and are not searched. */
  readonly variables: boolean;
  readonly value: Definition;
}

/** The keys and positions that lead to a value in a document. */
export type Path = readonly (string | number)[];

/** Where something stands in a document: at the value of a path, or at the key that introduces it. */
export interface Place {
  readonly document: Document;
  readonly path: Path;
  readonly at: 'key' | 'value';
}

/** A problem whose line and column are looked up only when it is told. */
export interface Finding {
  readonly code: ErrorCode;
  readonly message: string;
  /** A function where the hint takes work: it is asked only for problems that are shown. */
  readonly hint?: string | (() => string) | undefined;
  readonly place: Place | Location;
  readonly related?: readonly { readonly message: string; readonly place: Place | Location }[];
}
