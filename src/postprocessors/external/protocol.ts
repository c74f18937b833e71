import type { Annotations, Descriptor } from '../../oci/model/descriptor.ts';

/** What an external postprocessor reads: one line of JSON on standard input. */
export interface PostprocessRequest {
  readonly version: 1;
  /** The folder of the OCI image layout, read-only. */
  readonly layout: string;
  /** The folder for what is new. */
  readonly out: string;
  /** What the layout's index.json lists: one manifest with a name, and what refers to it. */
  readonly manifests: readonly Descriptor[];
  /** What the definition says besides. */
  readonly options: Readonly<Record<string, unknown>>;
}

/** A new blob by its path below `out`, or one of the layout that was given by its digest. */
type ResultBlob = ({ readonly path: string } | { readonly digest: string }) & {
  readonly mediaType: string;
  /** The file name that it has when it is pulled. */
  readonly name?: string;
  readonly annotations?: Annotations;
};

/** A manifest to be made. */
interface ResultManifest {
  readonly artifactType: string;
  readonly config?: ResultBlob;
  readonly layers: readonly ResultBlob[];
  readonly annotations?: Annotations;
}

/**
 * What it answers: the path below `out` of a whole layout; or a manifest in the place of the named one (what it does not say
 * is as it was), and manifests that refer to it.
 */
export type PostprocessResult =
  | { readonly layout: string }
  | {
      readonly manifest?: Omit<ResultManifest, 'artifactType'> & Partial<ResultManifest>;
      readonly referrers?: readonly ResultManifest[];
    };

/** What a module exports by the name `postprocess`. */
export type Postprocess = (
  request: PostprocessRequest,
  tell: {
    readonly log: (message: string) => void;
    readonly progress: (done: number, total?: number) => void;
  },
) => PostprocessResult | Promise<PostprocessResult>;
