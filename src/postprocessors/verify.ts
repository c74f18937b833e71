import { attachedTo } from '../attest/attached.ts';
import type { PublicKey } from '../attest/keys.ts';
import { parsePublicKey } from '../attest/keys.ts';
import { requireSigned } from '../attest/policy.ts';
import { PortkitError } from '../base/errors.ts';
import type { VerifySpec } from '../graph/attest-ops.ts';
import { treeSource } from '../oci/layout/tree.ts';
import type { FileWorld } from '../ops/input.ts';
import { onlyInput } from '../ops/input.ts';
import { asOutcome } from '../ops/outcome.ts';
import type { Op } from '../solver/op.ts';
import { requireWhole, subjectsOf } from './attestations.ts';

/** What checking is lent. */
export interface VerifyWorld extends FileWorld {
  /** The bytes of a public key file, named relative to the definition's directory. */
  readonly readKey: (path: string) => Promise<Uint8Array>;
}

/** Lets a layout through as it is, when a key that is trusted signed what is asked for. */
export function verifyOp(spec: VerifySpec, world: VerifyWorld): Op {
  const { predicateTypes = [] } = spec;
  return {
    code: 'verify/1',
    pool: 'io',
    facts: async () => {
      const ids = (await keysOf(spec, world)).map(({ id }) => id);
      return { facts: { keys: ids.toSorted().join(' '), predicates: JSON.stringify(predicateTypes.toSorted()) } };
    },
    run: (inputs, { signal }) =>
      asOutcome(async () => {
        const layout = onlyInput(inputs, 'tree');
        const lent = { blobs: world.blobs, signal };
        const keys = await keysOf(spec, world);
        const [main] = await subjectsOf(layout, lent);
        if (main === undefined) throw new Error('A layout without a manifest has subjects');
        await requireWhole(layout, main, lent);
        const attached = await attachedTo(treeSource(layout, world.blobs), main, signal);
        requireSigned(attached, main.digest, { keys, predicateTypes });
        return { ok: true, outputs: [{ kind: 'tree', digest: layout }] };
      }),
  };
}

async function keysOf({ keys }: VerifySpec, { readKey }: VerifyWorld): Promise<readonly PublicKey[]> {
  if (keys.length === 0) throw new PortkitError('PK4154', 'A step that verifies needs a public key');
  return Promise.all(
    keys.map(async (key) =>
      parsePublicKey(key.includes('-----BEGIN') ? key : Buffer.from(await readKey(key)).toString('latin1')),
    ),
  );
}
