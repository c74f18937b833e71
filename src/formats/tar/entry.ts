import type { ByteString } from '../../base/byte-string.ts';

/** What every entry says about its inode. Names of users and groups are not kept: they mean nothing elsewhere. */
export interface TarAttributes {
  /** The 12 permission bits. */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly mtime: { readonly seconds: number; readonly nanos: number };
  /** Sorted by name. */
  readonly xattrs: readonly { readonly name: ByteString; readonly value: Uint8Array }[];
}

/** What an entry is. A file's content can be read once, and only until the next entry is asked for. */
export type TarBody =
  | { readonly type: 'file'; readonly size: number; readonly content: AsyncIterable<Uint8Array> }
  | { readonly type: 'dir' | 'fifo' }
  | { readonly type: 'symlink'; readonly target: ByteString }
  /** One more name of the file at `target`, a path within the archive. */
  | { readonly type: 'hardlink'; readonly target: ByteString }
  | { readonly type: 'char' | 'block'; readonly major: number; readonly minor: number };

/** One entry of an archive; the path is relative, without `.` and `..`, and empty for the root. */
export type TarEntry = TarAttributes & TarBody & { readonly path: ByteString };

/** An entry to be written: a file's content may also come at once, and is good until the next entry is asked for. */
export type PackedEntry =
  | Exclude<TarEntry, { readonly type: 'file' }>
  | (TarAttributes & {
      readonly path: ByteString;
      readonly type: 'file';
      readonly size: number;
      readonly content: Uint8Array | AsyncIterable<Uint8Array>;
    });

/** What an archive may cost. */
export interface TarLimits {
  /** Names in it, directories that are only implied among them. */
  readonly entries: number;
  /** Bytes of all files together. */
  readonly bytes: number;
  /** Bytes of all names, link targets and extended headers together. */
  readonly metadata: number;
}

/** Enough for the sources of a kernel or a whole distribution, and nothing a machine breaks under. */
export const defaultTarLimits: TarLimits = { entries: 1_000_000, bytes: 64 * 2 ** 30, metadata: 256 * 2 ** 20 };

/** The size of the blocks that a tar is made of. */
export const blockSize = 512;
