import { showBytes } from '../src/base/byte-string.ts';
import type { Digest } from '../src/base/digest.ts';
import type { SmallBlobs } from '../src/store/blobs.ts';
import { listTree } from '../src/store/trees/list.ts';

/** A tree for people: type, mode, path and the beginning of the content of each entry, in order. */
export async function treeLines(tree: Digest, blobs: SmallBlobs): Promise<readonly string[]> {
  const lines: string[] = [];
  for await (const { path, item, linkedTo } of listTree(tree, { blobs, signal: new AbortController().signal })) {
    const words = [item.type, item.mode.toString(8), showBytes(path)];
    if (linkedTo !== undefined) words.push('=', showBytes(linkedTo));
    else if (item.type === 'file')
      words.push(
        Buffer.from(blobs.get(item.content) ?? [])
          .toString()
          .slice(0, 20),
      );
    else if (item.type === 'symlink') words.push('->', showBytes(item.target));
    lines.push(words.filter((word) => word !== '').join(' '));
  }
  return lines;
}
