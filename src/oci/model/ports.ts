import type { Descriptor } from './descriptor.ts';
import type { OciDigest } from './digest.ts';

/** Content that can be opened again, so that whatever was begun with it can be begun anew. */
export interface BlobSource {
  /** The bytes from `offset` on (0 when it is not said). */
  open(signal: AbortSignal, offset?: number): AsyncIterable<Uint8Array>;
  /** From the beginning it only ends when it is what its descriptor says: whoever takes it need not hash it once more. */
  readonly isVerified?: true;
  /**
   * Gives all of it to `use` as a file on the file system of `beside`: verified, durable, and to be moved away. False when
   * there is no such file, and it is to be read.
   */
  readonly asFile?: (beside: string, signal: AbortSignal, use: (path: string) => Promise<void>) => Promise<boolean>;
  /** The target has lost it: what it says of having it is not believed. */
  readonly isNeeded?: true;
}

/** Reads blobs and manifests. What is read is verified, size and then digest, before it ends (PK4003 otherwise). */
export interface BlobReader {
  /** PK4001 when it is not there. */
  fetch(descriptor: Descriptor, signal: AbortSignal): Promise<AsyncIterable<Uint8Array>>;
  exists(descriptor: Descriptor, signal: AbortSignal): Promise<boolean>;
}

/** Takes blobs and manifests; a manifest is only pushed after everything that it names. */
interface BlobWriter {
  push(descriptor: Descriptor, source: BlobSource, signal: AbortSignal): Promise<'stored' | 'existed'>;
}

/** Knows what names stand for. */
interface Resolver {
  /** A tag or a digest; undefined when nothing has that name. */
  resolve(name: string, signal: AbortSignal): Promise<Descriptor | undefined>;
  /** All names but digests, each once, in any order. */
  tags(signal: AbortSignal): AsyncIterable<string>;
}

/** Gives names to manifests that are there. */
interface Tagger {
  tag(descriptor: Descriptor, name: string, signal: AbortSignal): Promise<void>;
}

/** Knows which manifests have a `subject` (distribution-spec, "Listing Referrers"). */
export interface Referrers {
  referrers(subject: Descriptor, signal: AbortSignal): AsyncIterable<Descriptor>;
}

/** Takes blobs of a neighbour without moving their bytes. */
export interface Mounter {
  /** Whether the blob is here now; `from` is the repository that has it. */
  mount(descriptor: Descriptor, from: string, signal: AbortSignal): Promise<boolean>;
}

/** Forgets. */
export interface Deleter {
  /** A tag, or a digest with everything that is called by it; whether there was anything. */
  delete(name: string, signal: AbortSignal): Promise<boolean>;
}

/** Knows how large a blob is that only its digest is known of. */
interface Sizer {
  /** Undefined when it is not there. */
  sizeOf(digest: OciDigest, signal: AbortSignal): Promise<number | undefined>;
}

/** A blob that is wanted as a file. */
interface FileWish {
  /** Where it will be: there, or on the same file system. */
  readonly beside: string;
  readonly signal: AbortSignal;
  /** Is told how many bytes have come. */
  readonly progress: (bytes: number) => void;
}

/** Brings blobs as files, so that they need not be written a second time. */
interface Filer {
  /** As `BlobSource.asFile`. */
  file(descriptor: Descriptor, wish: FileWish, use: (path: string) => Promise<void>): Promise<boolean>;
}

/** One repository that can be copied from. */
export interface Source extends BlobReader, Resolver {
  /** As messages name it. */
  readonly shown: string;
  readonly referring?: Referrers;
  readonly sizing?: Sizer;
  readonly filing?: Filer;
}

/** One repository that can be copied to. */
export interface Target extends Source, BlobWriter, Tagger {
  readonly mounting?: Mounter;
  readonly deleting?: Deleter;
}
