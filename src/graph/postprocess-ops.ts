import type { AttestSpec } from './attest-ops.ts';
import type { SourceSpec } from './source-ops.ts';
import type { DeploySpec, ExternalSpec } from './program-ops.ts';

/**
 * What the steps of postprocessing are told. The typed result between them is a tree in the store that is an OCI image
 * layout: its blobs are the blobs that the store already has.
 */

/** A blob of a manifest, by role. */
export interface OciLayer {
  /** The input: a blob is the layer as it is, a tree becomes one deterministic tar. */
  readonly from: number;
  /** The file name (`org.opencontainers.image.title`). */
  readonly name: string;
  /** What the role is; a plain file or a tar layer unless given. */
  readonly mediaType?: string;
  /** How the tar of a tree is made smaller. */
  readonly compress?: 'gzip' | 'zstd';
  readonly annotations?: Readonly<Record<string, string>>;
}

/** What a variant is made for. */
interface OciPlatform {
  readonly os: string;
  readonly architecture: string;
  readonly variant?: string;
}

/** One manifest. */
export interface OciVariant {
  /** In their order; what the tree of `from` says unless given. */
  readonly layers: readonly OciLayer[];
  /** A tree that says itself what it is, in files `containerimage.artifact…` at its top. */
  readonly from?: number;
  readonly platform?: OciPlatform;
  /** The config document as JSON, or the input that has it; `{}` unless one is given. */
  readonly config?: string;
  readonly configFrom?: number;
  readonly annotations?: Readonly<Record<string, string>>;
}

/** Blobs and trees as an OCI artifact: one manifest, or an index with one for each variant. */
export interface OciSpec {
  readonly type: 'oci';
  readonly variants: readonly OciVariant[];
  /** `agent`, `policy`, `fileset` …: says both types. */
  readonly family?: string;
  readonly artifactType?: string;
  /** The media type of the config. */
  readonly configType?: string;
  /** What the layout calls it; `latest` unless given. */
  readonly tag?: string;
  /** Of the index; of the manifest when there is one. */
  readonly annotations?: Readonly<Record<string, string>>;
}

/** Something that a build was made from, as a bill of materials tells it. */
export interface SbomSource {
  readonly name: string;
  readonly url: string;
  /** `sha256:…` or `sha512:…`, or the commit of a git repository. */
  readonly digest?: string;
}

/** A step that took something from outside. */
export interface SourceOrigin {
  readonly op: SourceSpec;
  /** The input that is its result: of files of the client, which nothing pins. */
  readonly input?: number;
}

/** What is in trees and files: packages of their databases, kernels, and what they were made from. */
export interface SbomSpec {
  readonly type: 'sbom';
  readonly format: 'cyclonedx' | 'spdx';
  /** What each input is called; a layout to attach to comes after them. */
  readonly names: readonly string[];
  /** The name of the whole; that of its first input unless given. */
  readonly name?: string;
  /** The input that is a layout: the result is the layout with the document as a referrer of its manifest. */
  readonly attach?: number;
  readonly sources?: readonly SbomSource[];
  /** The steps that the sources come from: then these are asked for them. Never said by definitions: `linkSources` finds them. */
  readonly origins?: readonly SourceOrigin[];
}

/** A tree whose files are no newer than a point in time. */
export interface RewriteTimestampsSpec {
  readonly type: 'rewriteTimestamps';
  /** Seconds since 1970: what is later becomes this. */
  readonly latest: number;
}

/** Every kind of op of postprocessing. */
export type PostprocessSpec = OciSpec | SbomSpec | RewriteTimestampsSpec | AttestSpec | ExternalSpec | DeploySpec;

const kinds: Readonly<Record<PostprocessSpec['type'], true>> = {
  oci: true,
  sbom: true,
  rewriteTimestamps: true,
  provenance: true,
  sign: true,
  verify: true,
  external: true,
  deploy: true,
};

/** Whether an op is one of postprocessing. */
export function isPostprocess<Op extends { readonly type: string }>(op: Op): op is Extract<Op, PostprocessSpec> {
  return Object.hasOwn(kinds, op.type);
}
