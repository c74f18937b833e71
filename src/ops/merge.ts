import { PortkitError } from '../base/errors.ts';
import type { MergeSpec } from '../graph/ops.ts';
import type { Op } from '../solver/op.ts';
import { mergeTrees } from '../store/trees/merge.ts';
import { ofKind } from './input.ts';
import type { FileWorld } from './input.ts';
import { asOutcome } from './outcome.ts';

/** Lays its inputs over each other; see `mergeTrees` for what wins. */
export function mergeOp(_: MergeSpec, { blobs }: FileWorld): Op {
  return {
    code: 'merge/1',
    pool: 'none',
    facts: () => ({ facts: {} }),
    run: (inputs, { signal }) =>
      asOutcome(async () => {
        const [first, ...others] = inputs.map((input) => ofKind(input, 'tree'));
        if (first === undefined) throw new PortkitError('PK3306', 'There is nothing to merge');
        return { ok: true, outputs: [{ kind: 'tree', digest: await mergeTrees([first, ...others], { blobs, signal }) }] };
      }),
  };
}
