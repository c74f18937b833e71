import { archived } from '../artifacts/archived.ts';
import { writeTar } from '../formats/tar/write.ts';
import type { ArchiveSpec } from '../graph/ops.ts';
import type { Op } from '../solver/op.ts';
import { listTree } from '../store/trees/list.ts';
import { onlyInput } from './input.ts';
import type { FileWorld } from './input.ts';
import { asOutcome } from './outcome.ts';

/** A tree as the one tar of it. */
export function archiveOp({ format }: ArchiveSpec, { blobs }: FileWorld): Op {
  return {
    code: 'archive/1',
    pool: 'io',
    facts: () => ({ facts: { format } }),
    run: (inputs, context) =>
      asOutcome(async () => {
        const { signal } = context;
        const tree = onlyInput(inputs, 'tree');
        const entries = archived(listTree(tree, { blobs, signal }), blobs, signal);
        const { digest, size } = await blobs.write(writeTar(entries, signal), signal);
        context.transfer(size, size);
        return { ok: true, outputs: [{ kind: 'blob', digest }] };
      }),
  };
}
