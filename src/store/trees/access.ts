import type { Digest } from '../../base/digest.ts';
import { PortkitError } from '../../base/errors.ts';
import { decodeNode } from './decode.ts';
import type { Entry, TreeNode } from './node.ts';

/** Where nodes are read from. */
interface NodeBlobs {
  get(digest: Digest): Uint8Array | undefined | Promise<Uint8Array | undefined>;
}

/** Where nodes are read from and written to, many at once. */
interface WritableNodeBlobs extends NodeBlobs {
  batch(): { add(bytes: Uint8Array): Digest; commit(signal: AbortSignal): Promise<void> };
}

/** What reading a tree takes. */
export interface TreeAccess {
  readonly blobs: NodeBlobs;
  readonly signal: AbortSignal;
}

/** What changing a tree takes. */
export interface TreeWriteAccess extends TreeAccess {
  readonly blobs: WritableNodeBlobs;
}

/** An entry that says everything by itself: a directory comes with its node. */
export type Item = Exclude<Entry, { type: 'dir' }> | (Extract<Entry, { type: 'dir' }> & TreeNode);

/** Reads one directory; throws PK2002 when it is not there and PK2103 when it is malformed. */
export async function readNode(digest: Digest, { blobs, signal }: TreeAccess): Promise<TreeNode> {
  signal.throwIfAborted();
  const bytes = await blobs.get(digest);
  if (bytes === undefined) throw new PortkitError('PK2002', `The tree ${digest} is not in the store`);
  return decodeNode(bytes, digest);
}

/** Reads the node of a directory; other entries say everything already. */
export async function readItem(entry: Entry, access: TreeAccess): Promise<Item> {
  return entry.type === 'dir' ? { ...(await readNode(entry.node, access)), ...entry } : entry;
}
