import type { ByteString } from '../../base/byte-string.ts';
import { digestFromHex } from '../../base/digest.ts';
import type { Digest } from '../../base/digest.ts';
import type { CpioEntry } from '../../formats/cpio/entry.ts';
import type { FileEntry } from '../../formats/file-tree.ts';
import { implied, putTarEntry } from '../../ops/tar-entry.ts';
import { createMemoryStore } from '../../store/memory.ts';
import type { TreeAccess } from '../../store/trees/access.ts';
import { newTree, writeTree } from '../../store/trees/editor.ts';

/** One name in an archive or image. */
export type NamedEntry =
  | CpioEntry
  | Exclude<FileEntry, { readonly type: 'file' }>
  | (Omit<Extract<FileEntry, { readonly type: 'file' }>, 'content'> & { readonly content: undefined });

/** What stands for the digest of the content of the file at this position among all files. */
export function contentAt(position: number): Digest {
  return digestFromHex(position.toString(16).padStart(64, '0'));
}

/** The directories, files and links of an archive or image as a tree in memory, without contents and attributes. */
export async function namesOf(
  entries: AsyncIterable<NamedEntry>,
  signal: AbortSignal,
): Promise<{ readonly root: Digest; readonly names: TreeAccess }> {
  const names = { blobs: createMemoryStore(), signal };
  const editor = newTree(implied, names);
  // Anything but a directory may have several names; trees know that of files only.
  const others = new Map<string, NamedEntry>();
  let files = 0;
  async function put(entry: NamedEntry, path: ByteString): Promise<void> {
    if (entry.type === 'dir') return putTarEntry(editor, { ...implied, path, type: entry.type });
    if (entry.type === 'symlink' || entry.type === 'hardlink')
      return putTarEntry(editor, { ...implied, path, type: entry.type, target: entry.target });
    if (entry.type !== 'file') return;
    const { type, size } = entry;
    await putTarEntry(editor, { ...implied, path, type, size, digest: contentAt(files) });
    files += 1;
  }
  for await (const entry of entries) {
    const first = entry.type === 'hardlink' ? others.get(entry.target) : undefined;
    if (entry.type !== 'dir' && entry.type !== 'file' && entry.type !== 'hardlink') others.set(entry.path, entry);
    await put(first ?? entry, entry.path);
  }
  return { root: await writeTree(editor), names };
}
