import type { ExportContext, Prepared, Receipt, Target } from '../../src/artifacts/exporter.ts';

/** What an output in a directory is to be. */
export interface LocalOutput {
  /** An absolute path. */
  readonly dest: string;
  readonly src: readonly string[];
  readonly target: readonly string[];
  readonly keepOwner: boolean;
}

/** One export as its parts see it: the targets are chosen. */
export interface LocalExport extends LocalOutput {
  readonly targets: readonly Target[];
  readonly context: ExportContext;
}

/** Publishes what was prepared; `taken` when something came to the destination meanwhile, and nothing was done. */
export interface LocalPrepared {
  publish: (...args: Parameters<Prepared['publish']>) => Receipt | 'taken';
}
