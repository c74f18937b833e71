import type { OciDigest } from './digest.ts';

/** What a blob is made for (image-spec, image-index.md). */
export interface Platform {
  readonly os: string;
  readonly architecture: string;
  readonly variant?: string;
  readonly 'os.version'?: string;
  readonly 'os.features'?: readonly string[];
}

/** Free text by name, in the order of the names. */
export type Annotations = Readonly<Record<string, string>>;

/** A blob or manifest by what it is, its digest and size (image-spec, descriptor.md). */
export interface Descriptor {
  readonly mediaType: string;
  readonly digest: OciDigest;
  readonly size: number;
  readonly artifactType?: string;
  readonly annotations?: Annotations;
  readonly platform?: Platform;
}
