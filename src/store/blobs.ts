import type { Digest } from '../base/digest.ts';

/** A blob by name: its digest and how many bytes it has. */
export interface BlobInfo {
  readonly digest: Digest;
  readonly size: number;
}

/** A blob that is a file already: whole, durable, and nobody writes to it any more. */
export interface WholeFile extends BlobInfo {
  readonly path: string;
}

/** Reads blobs; every byte that leaves is verified, and the last chunk only leaves when the whole blob was right. */
export interface BlobReader {
  /** The blob's facts, or undefined when it is not here (damage is not looked for). */
  stat(digest: Digest, signal: AbortSignal): Promise<BlobInfo | undefined>;
  /** The blob's content, or undefined when it is not here; throws PK2001 instead of ending when it is corrupt. */
  open(digest: Digest, signal: AbortSignal): Promise<AsyncIterable<Uint8Array> | undefined>;
}

/** Writes blobs; resolved means durable: the blob survives a power cut. */
interface BlobWriter {
  write(content: AsyncIterable<Uint8Array>, signal: AbortSignal): Promise<BlobInfo>;
}

/** Takes files in by moving them, which costs nothing where they are on its own file system. */
export interface BlobAdopter {
  /** What the file is said to be was checked by whoever filled it. When this fails, it may be gone, or still where it was. */
  adopt(file: WholeFile, signal: AbortSignal): Promise<void>;
}

/** A place blobs can be read from and written to. */
export type BlobStore = BlobReader & BlobWriter;

/** Many small blobs at once: synchronous, in memory, and durable together. */
export interface SmallBlobs {
  /** The whole verified content of a small blob (at most `limit` bytes), or undefined when it is not here. */
  get(digest: Digest, limit?: number): Uint8Array | undefined;
  /** Opens a batch: `add` names a blob at once, `commit` makes all of them durable and only then resolves. */
  batch(): SmallBatch;
}

/** Blobs that become durable together. */
export interface SmallBatch {
  add(bytes: Uint8Array): Digest;
  commit(signal: AbortSignal): Promise<void>;
}
