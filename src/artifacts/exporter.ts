import type { Ref } from '../base/ref.ts';
import type { BlobReader, SmallBlobs } from '../store/blobs.ts';

/** A result that was asked for, under the name that it has in the definition. */
export interface Target {
  readonly name: string;
  readonly ref: Ref;
}

/** What exporters see of the store. */
export type ReadableBlobs = BlobReader & Pick<SmallBlobs, 'get'>;

/** What preparing takes. */
export interface ExportContext {
  readonly blobs: ReadableBlobs;
  readonly signal: AbortSignal;
}

/** One target as it was published. */
export interface Exported {
  readonly target: string;
  readonly ref: Ref;
  /** Where it is now: a path of this machine, or `-` for standard output. */
  readonly path: string;
  readonly files: number;
  /** Bytes of its files. */
  readonly bytes: number;
  /** Of an artifact, the digest that it is known by there: that of its manifest or index. */
  readonly digest?: string;
}

/** What an exporter did. */
export interface Receipt {
  readonly type: string;
  readonly destination: string;
  readonly exported: readonly Exported[];
  /** Files that were written, and files that were already as they should be. */
  readonly written: number;
  readonly unchanged: number;
  /** What could not be kept at this destination. */
  readonly warnings: readonly string[];
}

/** Everything is ready. Disposing before or after publishing clears away whatever is not published. */
export interface Prepared extends Disposable {
  /** Makes the results visible; called at most once. */
  publish(signal: AbortSignal): Promise<Receipt>;
}

/** A way out for results. */
export interface Exporter {
  /** Refuses, before the build, what cannot work: the names of all targets to come are known, their content is not. */
  check(targets: readonly string[]): void;
  /** Does all that may fail. Nothing is visible afterwards, and a failure leaves nothing behind. */
  prepare(targets: readonly Target[], context: ExportContext): Promise<Prepared>;
}
