import type { ByteString } from '../base/byte-string.ts';

/** What every inode carries. */
export interface FileAttributes {
  /** The 12 permission bits. */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly mtime: { readonly seconds: number; readonly nanos: number };
  /** Sorted by name; values are bytes. */
  readonly xattrs: readonly { readonly name: ByteString; readonly value: Uint8Array }[];
}

/**
 * One path of a tree. The root is the empty path and comes first; then every directory before what it holds, names sorted as
 * bytes. A `hardlink` is one more name of the `file` at `target`, which comes earlier.
 */
export type FileEntry =
  | ({ readonly path: ByteString; readonly type: 'dir' | 'fifo' | 'socket' } & FileAttributes)
  | ({ readonly path: ByteString; readonly type: 'file'; readonly size: number; readonly content: string } & FileAttributes)
  | ({ readonly path: ByteString; readonly type: 'symlink'; readonly target: ByteString } & FileAttributes)
  | ({
      readonly path: ByteString;
      readonly type: 'char' | 'block';
      readonly major: number;
      readonly minor: number;
    } & FileAttributes)
  | { readonly path: ByteString; readonly type: 'hardlink'; readonly target: ByteString };

/** Where the bytes of files come from, by the name that entries give their content. */
export interface Contents {
  /**
   * All bytes at once when that is cheap (small, or at hand), else pieces of any size in order. They may stand in a place
   * that is used again: they are good until the next piece or the next content is asked for.
   */
  open(content: string, signal: AbortSignal): Uint8Array | AsyncIterable<Uint8Array>;
}

/** A whole tree as formats see it. */
export interface FileTree {
  readonly entries: readonly FileEntry[];
  readonly contents: Contents;
}

/** A file being written at any place; what is never written is a hole. Calls are synchronous, as the hot path has to be. */
export interface ImageWriter {
  write(bytes: Uint8Array, position: number): void;
  /** The final size; called once, first. */
  setSize(size: number): void;
}

/** A file that can be read at any place. */
export interface ImageReader {
  readonly size: number;
  /** Exactly these bytes; throws (PK3301) when the file ends before. */
  read(position: number, length: number): Uint8Array;
}
