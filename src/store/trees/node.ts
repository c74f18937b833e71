import type { ByteString } from '../../base/byte-string.ts';
import type { Digest } from '../../base/digest.ts';

/** A point in time: whole seconds since 1970 (may be negative) and nanoseconds 0…999,999,999. */
interface Time {
  readonly seconds: number;
  readonly nanos: number;
}

/** Extended attributes, sorted by name; values are bytes. */
type Xattrs = readonly { readonly name: ByteString; readonly value: Uint8Array }[];

/** What every inode carries: metadata of the tree, never of the host that holds it. */
export interface Attributes {
  /** The 12 permission bits (set-uid, set-gid and sticky among them). */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly mtime: Time;
  readonly xattrs: Xattrs;
}

/** One name in a directory. A subdirectory's attributes stand in its own node, so a subtree's digest is its identity. */
export type Entry =
  | { readonly type: 'dir'; readonly name: ByteString; readonly node: Digest }
  | ({ readonly type: 'file'; readonly name: ByteString; readonly content: Digest; readonly size: number } & Attributes)
  | ({ readonly type: 'symlink'; readonly name: ByteString; readonly target: ByteString } & Attributes)
  | ({ readonly type: 'char' | 'block'; readonly name: ByteString; readonly major: number; readonly minor: number } & Attributes)
  | ({ readonly type: 'fifo'; readonly name: ByteString } & Attributes);

/**
 * One directory. `links` lists the groups of hard-linked files whose lowest common directory is this one, each group as
 * sorted paths relative to here (`a`, `sub/b`); so a subtree that holds a whole group says so by itself.
 */
export interface TreeNode extends Attributes {
  readonly entries: readonly Entry[];
  readonly links: readonly (readonly ByteString[])[];
}
