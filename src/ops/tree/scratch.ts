import { digestOf } from '../../base/digest.ts';
import type { Digest } from '../../base/digest.ts';
import type { TreeWriteAccess } from '../../store/trees/access.ts';
import { decodeNode } from '../../store/trees/decode.ts';
import type { FileWorld } from '../input.ts';

/** A store's trees with room in memory for what is being made: most of it is replaced before the last edit. */
export interface Scratch {
  readonly access: TreeWriteAccess;
  add(bytes: Uint8Array): Digest;
  /** Makes a tree durable with everything in it that exists only here. */
  keep(tree: Digest): Promise<void>;
}

/** Begins with nothing in memory. Whoever never keeps anything gets digests alone. */
export function createScratch({ blobs }: FileWorld, signal: AbortSignal): Scratch {
  const made = new Map<Digest, Uint8Array>();
  function add(bytes: Uint8Array): Digest {
    const digest = digestOf(bytes);
    if (!made.has(digest)) made.set(digest, Uint8Array.from(bytes));
    return digest;
  }
  return {
    add,
    access: {
      signal,
      blobs: { get: (digest) => made.get(digest) ?? blobs.get(digest), batch: () => ({ add, commit: () => Promise.resolve() }) },
    },
    async keep(tree) {
      const batch = blobs.batch();
      const seen = new Set<Digest>();
      const waiting = [{ digest: tree, isNode: true }];
      for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
        const bytes = seen.has(next.digest) ? undefined : made.get(next.digest);
        if (bytes === undefined) continue;
        seen.add(next.digest);
        batch.add(bytes);
        for (const entry of next.isNode ? decodeNode(bytes, next.digest).entries : []) {
          if (entry.type === 'dir') waiting.push({ digest: entry.node, isNode: true });
          else if (entry.type === 'file') waiting.push({ digest: entry.content, isNode: false });
        }
      }
      await batch.commit(signal);
    },
  };
}
