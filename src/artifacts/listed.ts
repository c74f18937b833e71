import type { ByteString } from '../base/byte-string.ts';
import { never } from '../base/exhaustive.ts';
import type { Attributes } from '../store/trees/node.ts';
import type { FileContent } from './content.ts';

/** What stands at one path; a listed item of a tree is one. */
export type Inode = Attributes &
  (
    | { readonly type: 'dir' | 'fifo' }
    | ({ readonly type: 'file' } & FileContent)
    | { readonly type: 'symlink'; readonly target: ByteString }
    | { readonly type: 'char' | 'block'; readonly major: number; readonly minor: number }
  );

/** One path and what stands there; a listing of a tree is made of them. */
export interface PathItem {
  readonly path: ByteString;
  readonly item: Inode;
  /** For one more name of a file: the first name. */
  readonly linkedTo: ByteString | undefined;
}

/** What every kind of archive says of an inode. */
export function attributesOf({ mode, uid, gid, mtime, xattrs }: Attributes): Attributes {
  return { mode, uid, gid, mtime, xattrs };
}

type PlainEntry = Attributes & { readonly path: ByteString } & (
    | { readonly type: 'symlink'; readonly target: ByteString }
    | { readonly type: 'char' | 'block'; readonly major: number; readonly minor: number }
    | { readonly type: 'dir' | 'fifo' }
  );

/** What every kind of archive says of a path that is no file. */
export function plainEntry(path: ByteString, item: Exclude<Inode, { readonly type: 'file' }>): PlainEntry {
  const named = { path, ...attributesOf(item) };
  switch (item.type) {
    case 'symlink':
      return { ...named, type: item.type, target: item.target };
    case 'char':
    case 'block':
      return { ...named, type: item.type, major: item.major, minor: item.minor };
    case 'dir':
    case 'fifo':
      return { ...named, type: item.type };
    default:
      return never(item);
  }
}
