import type { OciDigest } from '../oci/model/digest.ts';
import { withoutCredentials } from '../base/redact.ts';

/** The predicate type of the document made here (slsa.dev/spec/v1.1/provenance). */
export const provenanceType = 'https://slsa.dev/provenance/v1';

const buildType = 'urn:portkit:build:v1';

/** One step that led to the result. */
export interface RecordedStep {
  readonly name: string;
  readonly kind: string;
  /** What it was told: secrets by their names alone. */
  readonly parameters: Readonly<Record<string, unknown>>;
  /** Names of the steps whose results it worked on, in its order. */
  readonly inputs: readonly string[];
  readonly output: OciDigest;
}

/** Something that came from outside, with its digests by algorithm. */
export interface Material {
  readonly name: string;
  readonly uri?: string;
  readonly digest: Readonly<Record<string, string>>;
}

/** Everything that is known about how something was made. */
export interface BuildRecord {
  /** `min` tells what it was made from; `max` every step as well. */
  readonly mode: 'min' | 'max';
  readonly builder: { readonly id: string; readonly version: string };
  /** The step that made the subject: the last of the steps. */
  readonly target: string;
  readonly steps: readonly RecordedStep[];
  readonly materials: readonly Material[];
  /** Seconds since 1970 that stand for the time of the build; without it the document has no time, and is always the same. */
  readonly time?: number;
}

/** The SLSA provenance of a build as plain data, in which no URL has credentials. */
export function slsaProvenance({ mode, builder, target, steps, materials, time }: BuildRecord): object {
  const at = time === undefined ? undefined : new Date(time * 1000).toISOString().replace('.000Z', 'Z');
  const dependencies = materials.map(({ name, uri, digest }) => ({ name, ...(uri !== undefined && { uri }), digest }));
  const document = {
    buildDefinition: {
      buildType,
      externalParameters: { target },
      ...(mode === 'max' && { internalParameters: { steps: steps.map((step) => ({ ...step })) } }),
      resolvedDependencies: dependencies.toSorted((a, b) => order(a.name, b.name) || order(a.uri ?? '', b.uri ?? '')),
    },
    runDetails: {
      builder: { id: builder.id, version: { portkit: builder.version } },
      ...(at !== undefined && { metadata: { startedOn: at, finishedOn: at } }),
    },
  };
  return Object.fromEntries(Object.entries(document).map(([part, value]) => [part, withoutCredentials(value)]));
}

function order(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}
