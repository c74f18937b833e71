import type { Digest } from '../base/digest.ts';
import type { RewriteTimestampsSpec } from '../graph/postprocess-ops.ts';
import type { FileWorld } from '../ops/input.ts';
import { onlyInput } from '../ops/input.ts';
import { asOutcome } from '../ops/outcome.ts';
import type { Op } from '../solver/op.ts';
import { readNode } from '../store/trees/access.ts';
import { encodeNode } from '../store/trees/encode.ts';
import type { Attributes } from '../store/trees/node.ts';

/** A tree with no time in it that is later than the one given. */
export function rewriteTimestampsOp({ latest }: RewriteTimestampsSpec, { blobs }: FileWorld): Op {
  return {
    code: 'rewrite-timestamps/1',
    pool: 'io',
    facts: () => ({ facts: { latest: `${latest}` } }),
    run: (inputs, { signal }) =>
      asOutcome(async () => {
        const batch = blobs.batch();
        const digest = await rewritten(onlyInput(inputs, 'tree'), {
          latest,
          read: (node) => readNode(node, { blobs, signal }),
          write: (bytes) => batch.add(bytes),
        });
        await batch.commit(signal);
        return { ok: true, outputs: [{ kind: 'tree', digest }] };
      }),
  };
}

interface Rewriting {
  readonly latest: number;
  readonly read: (node: Digest) => ReturnType<typeof readNode>;
  readonly write: (bytes: Uint8Array) => Digest;
}

interface Open {
  readonly digest: Digest;
  readonly node: Awaited<ReturnType<typeof readNode>>;
  /** How many of its entries have been looked at. */
  at: number;
}

/** The tree with its times cut, from the bottom up; equal directories are written once, and nothing recurses. */
async function rewritten(root: Digest, { latest, read, write }: Rewriting): Promise<Digest> {
  const done = new Map<Digest, Digest>();
  const stack: Open[] = [{ digest: root, node: await read(root), at: 0 }];
  for (let top = stack.at(-1); top !== undefined; top = stack.at(-1)) {
    const entry = top.node.entries[top.at];
    top.at += 1;
    if (entry?.type === 'dir') {
      if (!done.has(entry.node)) stack.push({ digest: entry.node, node: await read(entry.node), at: 0 });
    } else if (entry === undefined) {
      const entries = top.node.entries.map((one) =>
        one.type === 'dir' ? { ...one, node: done.get(one.node) ?? one.node } : { ...one, ...cut(one, latest) },
      );
      done.set(top.digest, write(encodeNode({ ...top.node, ...cut(top.node, latest), entries })));
      stack.pop();
    }
  }
  return done.get(root) ?? root;
}

function cut({ mtime }: Attributes, latest: number): Pick<Attributes, 'mtime'> {
  const isLater = mtime.seconds > latest || (mtime.seconds === latest && mtime.nanos > 0);
  return { mtime: isLater ? { seconds: latest, nanos: 0 } : mtime };
}
