import type { DebSpec } from './source-ops.ts';

/** What the steps of attestation are told; see `ops.ts`. */

/** One step that led to a result, as a definition says it. */
export interface StepRecord {
  readonly name: string;
  readonly kind: string;
  /** What it is told; the inputs are named, and secrets have no values. */
  readonly parameters: Readonly<Record<string, unknown>>;
  /** The names of its inputs, in its order. */
  readonly inputs: readonly string[];
  /** What came from outside, if it is a source. */
  readonly source?: SourceRecord;
  /** Programs of the host that it used. */
  readonly tools?: readonly string[];
}

/** Where the bytes of a source are from, and by which digests they are pinned. */
export interface SourceRecord {
  readonly uri?: string;
  readonly digest?: Readonly<Record<string, string>>;
  /** Debian packages, each with its name in the lock. */
  readonly packages?: DebSpec['packages'];
  readonly architecture?: string;
}

/** How a result was made, as an in-toto statement with SLSA provenance: of a file, a tree or the manifests of a layout. */
export interface ProvenanceSpec {
  readonly type: 'provenance';
  /** `min` tells what the result was made from; `max`, unless given, every step as well. */
  readonly mode?: 'min' | 'max';
  /** The result is the layout with the statements as referrers, not the one statement. */
  readonly attach?: boolean;
  /** A URI for who builds. */
  readonly builder?: string;
  /** Seconds since 1970 that stand for the time of the build; no time is told unless it is given. */
  readonly time?: number;
  /**
   * Every step that led to the first input, each in the order of the inputs behind it. Never said by definitions, which could
   * say anything: `linkProvenance` finds it.
   */
  readonly steps?: readonly StepRecord[];
}

/** Signs the manifests of a layout, and the statements about them. */
export interface SignSpec {
  readonly type: 'sign';
  /** The name of the secret that is the private key (its value is never part of anything). */
  readonly key: string;
  /** The name of the secret that opens it. */
  readonly passphrase?: string;
}

/** A layout, let through only when it is signed. */
export interface VerifySpec {
  readonly type: 'verify';
  /** Public keys: PEM, or files relative to the definition's directory. One of them has to have signed. */
  readonly keys: readonly string[];
  /** There has to be a signed statement of each of these kinds. */
  readonly predicateTypes?: readonly string[];
}

/** Every kind of op of attestation. */
export type AttestSpec = ProvenanceSpec | SignSpec | VerifySpec;
