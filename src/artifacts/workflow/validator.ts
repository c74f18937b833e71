import type { FileFacts } from '../copies/staged.ts';
import type { Chosen, VariantFile } from '../model/paths.ts';

/** One file of a variant that is there and not empty. */
export interface Subject extends FileFacts {
  readonly chosen: Chosen;
  readonly file: VariantFile;
  /** Where it can be read, absolute. */
  readonly path: string;
}

/** One thing that speaks against a file: the rule that it breaks, and how. */
export interface Fault {
  readonly check: string;
  readonly message: string;
}

/** One kind of check of the files of variants. */
export interface Validator {
  /** Everything that speaks against a file: nothing when it is right, or when this is no check for it. */
  check(subject: Subject, signal: AbortSignal): Promise<readonly Fault[]>;
}
