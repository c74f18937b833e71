/** What the steps that take something from outside are told; see `ops.ts`. */

/** A file by URL, pinned by the digest of its bytes. */
export interface FetchSpec {
  readonly type: 'fetch';
  readonly url: string;
  /** `sha256:<hex>` or `sha512:<hex>`; undefined is allowed only until the lock pins it. */
  readonly digest?: string;
  /** Other places of the same bytes (not part of the key). */
  readonly mirrors?: readonly string[];
  /** Bytes the answer may have. */
  readonly maxSize?: number;
  /** A detached OpenPGP signature: where it is, who may have made it, whether it signs the uncompressed bytes. */
  readonly signature?: {
    readonly url: string;
    readonly keys: readonly string[];
    readonly fingerprints: readonly string[];
    readonly of?: 'file' | 'uncompressed';
  };
}

/** A directory or file of the client, taken anew in every build. */
export interface LocalSpec {
  readonly type: 'local';
  /** Relative to the definition's directory. */
  readonly path: string;
  readonly include?: readonly string[];
  readonly exclude?: readonly string[];
}

/** A commit of a git repository as a tree. */
export interface GitSpec {
  readonly type: 'git';
  readonly url: string;
  readonly commit: string;
  readonly submodules?: boolean;
  readonly subdir?: string;
}

/** The root file system of an OCI image: from a layout on disk or a registry. */
export interface ImageSpec {
  readonly type: 'image';
  readonly reference: string;
  readonly digest?: string;
  readonly platform?: string;
  /** A layout directory, relative to the definition's directory. */
  readonly layout?: string;
  /** For a registry that speaks no TLS. */
  readonly transport?: 'plain-http';
}

/** Debian packages, unpacked over each other as one tree. */
export interface DebSpec {
  readonly type: 'deb';
  readonly packages: readonly {
    readonly name: string;
    readonly version?: string;
    readonly sha256?: string;
    /** Not this package is meant but the one it depends on whose name matches: `linux-image-*` of `linux-image-cloud-amd64`. */
    readonly depends?: string;
  }[];
  readonly architecture?: string;
}

/** Every kind of op that takes something from outside. */
export type SourceSpec = FetchSpec | LocalSpec | GitSpec | ImageSpec | DebSpec;
