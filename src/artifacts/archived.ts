import type { ByteString } from '../base/byte-string.ts';
import type { Digest } from '../base/digest.ts';
import { PortkitError } from '../base/errors.ts';
import { never } from '../base/exhaustive.ts';
import { defaultTarLimits } from '../formats/tar/entry.ts';
import type { TarEntry } from '../formats/tar/entry.ts';
import type { Attributes } from '../store/trees/node.ts';
import type { ReadableBlobs } from './exporter.ts';

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

/** What is listed as entries of an archive; hard links lead to the first name of their file. */
export async function* archived(
  listed: AsyncIterable<PathItem>,
  blobs: ReadableBlobs,
  signal: AbortSignal,
): AsyncGenerator<TarEntry> {
  let count = 0;
  for await (const one of listed) {
    count += 1;
    if (count > defaultTarLimits.entries) {
      throw new PortkitError('PK3303', `The tree has more than ${defaultTarLimits.entries} names`);
    }
    yield tarEntry(one, (file) => contentOf(file, blobs, signal));
  }
}

/** What is needed of a file to read it. */
export interface FileContent {
  readonly content: Digest;
  readonly size: number;
}

function tarEntry({ path, item, linkedTo }: PathItem, content: (file: FileContent) => AsyncIterable<Uint8Array>): TarEntry {
  const { mode, uid, gid, mtime, xattrs } = item;
  const attributes = { path, mode, uid, gid, mtime, xattrs };
  if (linkedTo !== undefined) return { ...attributes, type: 'hardlink', target: linkedTo };
  switch (item.type) {
    case 'file':
      return { ...attributes, type: 'file', size: item.size, content: content(item) };
    case 'symlink':
      return { ...attributes, type: item.type, target: item.target };
    case 'char':
    case 'block':
      return { ...attributes, type: item.type, major: item.major, minor: item.minor };
    case 'dir':
    case 'fifo':
      return { ...attributes, type: item.type };
    default:
      return never(item);
  }
}

/** Small files come in one piece, without a stream each. */
export const small = 2 ** 16;

/**
 * The bytes of a file, verified; throws PK2002 when they are not in the store, and PK2103 when they are not as many as the
 * tree says.
 */
export async function* contentOf(file: FileContent, blobs: ReadableBlobs, signal: AbortSignal): AsyncGenerator<Uint8Array> {
  const found = file.size <= small ? blobs.get(file.content) : await blobs.open(file.content, signal);
  if (found === undefined) throw new PortkitError('PK2002', `The blob ${file.content} is not in the store`);
  let size = 0;
  for await (const chunk of found instanceof Uint8Array ? [found] : found) {
    size += chunk.length;
    if (size > file.size) break;
    yield chunk;
  }
  if (size !== file.size)
    throw new PortkitError('PK2103', `The file ${file.content} has not the ${file.size} bytes that its tree says`);
}
