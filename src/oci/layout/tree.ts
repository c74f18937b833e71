import type { ByteString } from '../../base/byte-string.ts';
import { byteString } from '../../base/byte-string.ts';
import type { Digest } from '../../base/digest.ts';
import { PortkitError } from '../../base/errors.ts';
import type { BlobReader, SmallBlobs } from '../../store/blobs.ts';
import { readNode } from '../../store/trees/access.ts';
import type { Entry } from '../../store/trees/node.ts';
import { splitPath } from '../../store/trees/path.ts';
import type { LayoutFiles, LayoutSource } from './files.ts';
import { layoutSource } from './source.ts';

/** What a tree of the store is read with. */
export interface TreeBlobs extends Pick<SmallBlobs, 'get'>, BlobReader {}

/** The layout that a tree of the store is: its files are blobs that the store has, and stay there. */
export function treeSource(tree: Digest, blobs: TreeBlobs): LayoutSource {
  return layoutSource(treeFiles(tree, blobs));
}

/** Whether a tree of the store has the files that every layout has; what is in them is another question. */
export async function isLayout(tree: Digest, blobs: TreeBlobs, signal: AbortSignal): Promise<boolean> {
  const files = treeFiles(tree, blobs);
  return (await files.size('oci-layout', signal)) !== undefined && (await files.size('index.json', signal)) !== undefined;
}

function treeFiles(tree: Digest, blobs: TreeBlobs): LayoutFiles {
  const shown = `the layout ${tree}`;
  const read = new Map<Digest, Promise<ReadonlyMap<ByteString, Entry>>>();

  /** The entries of a directory, which is read once. */
  function directory(node: Digest, signal: AbortSignal): Promise<ReadonlyMap<ByteString, Entry>> {
    const known = read.get(node);
    if (known !== undefined) return known;
    const entries = readNode(node, { blobs, signal }).then((one) => new Map(one.entries.map((entry) => [entry.name, entry])));
    read.set(node, entries);
    entries.catch(() => read.delete(node));
    return entries;
  }

  async function file(path: string, signal: AbortSignal): Promise<Extract<Entry, { type: 'file' }> | undefined> {
    let node: Digest | undefined = tree;
    let found: Entry | undefined;
    for (const name of splitPath(byteString(path))) {
      if (node === undefined) throw refuse(path);
      found = (await directory(node, signal)).get(name);
      if (found === undefined) return undefined;
      node = found.type === 'dir' ? found.node : undefined;
    }
    if (found?.type !== 'file') throw refuse(path);
    return found;
  }

  function refuse(path: string): PortkitError {
    return new PortkitError('PK4002', `${path} of ${shown} is neither a file nor a folder of its own`);
  }

  return {
    shown,
    size: async (path, signal) => (await file(path, signal))?.size,
    async *open(path, signal) {
      const found = await file(path, signal);
      const content = found && (await blobs.open(found.content, signal));
      if (content === undefined) throw new PortkitError('PK4001', `${path} of ${shown} is no longer in the store`);
      yield* content;
    },
  };
}
