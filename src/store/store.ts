import type { Digest } from '../base/digest.ts';
import type { Ref } from '../base/ref.ts';
import type { BlobAdopter, BlobInfo, BlobStore, SmallBlobs } from './blobs.ts';

/** What the store is given of the world: nothing below the doors reads a clock by itself. */
export interface StoreHost {
  /** Wall clock in milliseconds; orders last uses and nothing else. */
  now(): number;
}

/** What a step left: its outputs, and the list of inputs behind its key (what `why` compares). */
export interface ActionRecord {
  readonly key: Digest;
  readonly outputs: readonly Ref[];
  /** Anything JSON can say about the run; the store hands it back and does not read it. */
  readonly detail: unknown;
}

/** Action records by key. A record whose outputs are not all here is a miss. */
export interface Actions {
  lookup(key: Digest): ActionRecord | undefined;
  /** Makes all records durable together; refuses (PK2002) a record whose outputs are not here. */
  save(records: readonly ActionRecord[]): void;
}

/** Names for results that must stay: roots of the collection. */
export interface Tags {
  get(name: string): Ref | undefined;
  set(name: string, ref: Ref): void;
  delete(name: string): boolean;
  list(): readonly { readonly name: string; readonly ref: Ref }[];
}

/** Holds what it was given alive until it is disposed, or its process ends. */
export interface Lease extends Disposable {
  /** Holds the refs and says which are here, in one transaction: what it answers true for cannot be collected. */
  hold(refs: readonly Ref[]): readonly boolean[];
}

/** One line of `cache du`: bytes are what the disk gives up when it is removed. */
export interface Usage {
  readonly kind: 'blobs' | 'packs' | 'records' | 'index' | 'stat-cache' | 'sessions' | 'trash' | 'quarantine' | 'other';
  readonly files: number;
  readonly bytes: number;
}

/** Something `verify` found; `healed` says that --repair put it right (by moving it out of the way). */
export interface Finding {
  readonly problem: 'corrupt' | 'missing' | 'unreadable' | 'orphan';
  readonly object: 'blob' | 'pack' | 'record' | 'tag' | 'index';
  /** The digest, key, name or file that is meant. */
  readonly name: string;
  readonly detail: string;
  readonly repaired: boolean;
}

/** The end of a verification. */
export interface Verified {
  readonly checked: number;
  readonly bytes: number;
  readonly findings: readonly Finding[];
}

/** What to keep: everything reachable from tags and live leases always stays. */
export interface CollectOptions {
  /** Bytes the store may have; least recently used go first. */
  readonly maxSize?: number;
  /** Milliseconds: what was used within this time stays. */
  readonly keep?: number;
  /** Bytes the file system must have free afterwards. */
  readonly minFree?: number;
  /** Only say what would go. */
  readonly dryRun?: boolean;
}

/** What a collection did. */
export interface Collected {
  readonly blobs: number;
  readonly records: number;
  readonly bytes: number;
}

/** Everything about one store root. */
export interface Store extends AsyncDisposable {
  /** The directory of this format version, below the root that was opened. */
  readonly directory: string;
  readonly blobs: BlobStore &
    BlobAdopter &
    SmallBlobs & {
      /** Takes in a host file by path, the fastest way; the digest is of the bytes that are stored. */
      writeFile(path: string, signal: AbortSignal): Promise<BlobInfo>;
      /** Which of these are here, in one question. */
      present(digests: readonly Digest[]): readonly boolean[];
      /**
       * The file that holds this blob and nothing else, when there is one: to make a clone of, never to change. What is in
       * it is not verified, and a collection may take it at any time.
       */
      fileOf(digest: Digest): string | undefined;
    };
  readonly actions: Actions;
  readonly tags: Tags;
  lease(name: string): Lease;
  /** Tries to get the turn for a key among all processes: undefined while another has it. */
  turn(key: Digest): Disposable | undefined;
  /** Grows whenever anything leaves the store; while it stands still, what was here is here. */
  generation(): number;
  list(): Iterable<BlobInfo & { readonly usedAt: number; readonly packed: boolean }>;
  usage(): readonly Usage[];
  verify(
    options: { readonly repair?: boolean; readonly subset?: readonly [part: number, of: number] },
    signal: AbortSignal,
  ): Promise<Verified>;
  collect(options: CollectOptions, signal: AbortSignal): Promise<Collected>;
  /** Makes the index anew from the blobs, packs and records on disk. */
  rebuildIndex(signal: AbortSignal): Promise<{ readonly blobs: number; readonly records: number; readonly tags: number }>;
}
