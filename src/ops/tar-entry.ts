import { never } from '../base/exhaustive.ts';
import type { ByteString } from '../base/byte-string.ts';
import type { Digest } from '../base/digest.ts';
import type { TarAttributes, TarBody, TarEntry } from '../formats/tar/entry.ts';
import { putDirectory, putEntry, putLink } from '../store/trees/editor.ts';
import type { TreeEditor } from '../store/trees/place.ts';
import type { FileTaker } from './take-files.ts';

/** An entry of a tar whose content is in the store. */
export type StoredEntry = TarAttributes & { readonly path: ByteString } & (
    | Exclude<TarBody, { type: 'file' }>
    | { readonly type: 'file'; readonly size: number; readonly digest: Digest }
  );

/** Directories that an archive does not name. */
export const implied = { mode: 0o755, uid: 0, gid: 0, mtime: { seconds: 0, nanos: 0 }, xattrs: [] };

/** Puts the content of an entry into the store; what is left of it can be kept. */
export async function storeTarEntry(entry: TarEntry, files: FileTaker): Promise<StoredEntry> {
  if (entry.type !== 'file') return entry;
  const { content, ...others } = entry;
  return { ...others, digest: await files.take(content, entry.size) };
}

/** Puts an entry in its place in a tree. */
export async function putTarEntry(editor: TreeEditor, entry: StoredEntry): Promise<void> {
  const { path, mode, uid, gid, mtime, xattrs } = entry;
  const attributes = { mode, uid, gid, mtime, xattrs };
  switch (entry.type) {
    case 'dir':
      return putDirectory(editor, path, { attributes, parents: implied });
    case 'hardlink':
      return putLink(editor, path, { target: entry.target, parents: implied });
    case 'file': {
      const { type, digest, size } = entry;
      return putEntry(editor, path, { entry: { ...attributes, type, content: digest, size }, parents: implied });
    }
    case 'symlink':
      return putEntry(editor, path, { entry: { ...attributes, type: entry.type, target: entry.target }, parents: implied });
    case 'char':
    case 'block': {
      const { type, major, minor } = entry;
      return putEntry(editor, path, { entry: { ...attributes, type, major, minor }, parents: implied });
    }
    case 'fifo':
      return putEntry(editor, path, { entry: { ...attributes, type: entry.type }, parents: implied });
    default:
      return never(entry);
  }
}
