import type { FileFacts } from '../copies/staged.ts';
import type { Examined, Sealed } from '../copies/sealed.ts';
import type { Chosen } from '../model/paths.ts';

/** One file to be pushed. */
export interface Upload extends FileFacts {
  readonly name: string;
  content(signal: AbortSignal): AsyncIterable<Uint8Array>;
}

/** A place that the variants of artifacts are published to and fetched from. */
export interface Backend {
  /** As messages name it: `file-system`, `oci-registry plain-http anonymous`. */
  readonly shown: string;
  /** Where a file of a variant is there: a path or an address. */
  placeOf(chosen: Chosen, name: string): string;
  /** Publishes the files of a variant, in place of what was there; durable when it resolves. */
  push(chosen: Chosen, files: readonly Upload[], signal: AbortSignal): Promise<void>;
  /** One file of a variant; undefined when it is not there. Its bytes are verified before they end (PK3910). */
  pull(chosen: Chosen, name: string, signal: AbortSignal): Promise<Sealed | undefined>;
  /** Looks at one file of a variant, all of its bytes included. */
  examine(chosen: Chosen, name: string, signal: AbortSignal): Promise<Examined>;
}
