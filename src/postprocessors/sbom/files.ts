import type { Digest } from '../../base/digest.ts';
import { PortkitError } from '../../base/errors.ts';
import type { TreeAccess } from '../../store/trees/access.ts';
import type { LayoutWorld } from '../layout-tree.ts';

/** What is done with the bytes of a file; they need not all be read. */
export type Use = (content: AsyncIterable<Uint8Array>) => Promise<void>;

/** The files of a tree, wherever its names and bytes are. */
export interface Files {
  readonly root: Digest;
  readonly names: TreeAccess;
  /** Hands over the bytes of files, by what the names say of their contents: each once, in any order. */
  read(wanted: ReadonlyMap<Digest, Use>): Promise<void>;
}

/** The files of a tree of the store. */
export function treeFiles(root: Digest, world: LayoutWorld): Files {
  return {
    root,
    names: world,
    async read(wanted) {
      for (const [digest, use] of wanted) await use(await openBlob(digest, world));
    },
  };
}

/** A blob that has to be in the store (PK2002). */
export async function openBlob(digest: Digest, { blobs, signal }: LayoutWorld): Promise<AsyncIterable<Uint8Array>> {
  const content = await blobs.open(digest, signal);
  if (content === undefined) throw new PortkitError('PK2002', `The blob ${digest} is not in the store`);
  return content;
}
