import { PortkitError } from '../base/errors.ts';
import type { FileEntry, FileTree } from '../formats/file-tree.ts';
import { defaultTarLimits } from '../formats/tar/entry.ts';
import { contentOf, small } from './content.ts';
import type { FileContent } from './content.ts';
import type { ReadableBlobs } from './exporter.ts';
import { attributesOf, plainEntry } from './listed.ts';
import type { PathItem } from './listed.ts';

/** What is listed as a tree for image formats; contents are named by their digests and read from the blobs. */
export async function fileTreeOf(listed: AsyncIterable<PathItem>, blobs: ReadableBlobs): Promise<FileTree> {
  const entries: FileEntry[] = [];
  const files = new Map<string, FileContent>();
  for await (const one of listed) {
    if (entries.length === defaultTarLimits.entries)
      throw new PortkitError('PK3303', `The tree has more than ${defaultTarLimits.entries} names`);
    entries.push(fileEntry(one));
    if (one.item.type === 'file') files.set(one.item.content, one.item);
  }
  return {
    entries,
    contents: {
      open(content, signal) {
        const file = files.get(content);
        if (file === undefined) throw new Error(`No file of the tree has the content ${content}`);
        return (file.size <= small ? blobs.get(file.content) : undefined) ?? contentOf(file, blobs, signal);
      },
    },
  };
}

function fileEntry({ path, item, linkedTo }: PathItem): FileEntry {
  if (linkedTo !== undefined) return { path, type: 'hardlink', target: linkedTo };
  if (item.type !== 'file') return plainEntry(path, item);
  return { path, ...attributesOf(item), type: item.type, size: item.size, content: item.content };
}
