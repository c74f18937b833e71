import { bundleType } from '../attest/bundle.ts';
import type { PublicKey } from '../attest/keys.ts';
import { parsePublicKey } from '../attest/keys.ts';
import { verifyBundle } from '../attest/verify.ts';
import { PortkitError } from '../base/errors.ts';
import type { VerifySpec } from '../graph/attest-ops.ts';
import type { OciDigest } from '../oci/model/digest.ts';
import type { FileWorld } from '../ops/input.ts';
import { onlyInput } from '../ops/input.ts';
import { asOutcome } from '../ops/outcome.ts';
import type { Op } from '../solver/op.ts';
import type { Attestation } from './attestations.ts';
import { attestationsOf, requireWhole, subjectsOf } from './attestations.ts';

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
        const about = (await attestationsOf(layout, bundleType, lent)).filter(({ subject }) => subject.digest === main.digest);
        const signed = new Set(about.flatMap((one) => predicateTypeOf(one, { keys, subject: main.digest }) ?? []));
        if (signed.size === 0) {
          throw new PortkitError('PK4153', `${main.digest} is not signed with ${keys.map(({ id }) => id).join(' or ')}`, {
            hint: `The layout has ${about.length} signed statements about it`,
          });
        }
        const missing = predicateTypes.filter((type) => !signed.has(type));
        if (missing.length > 0) throw new PortkitError('PK4153', `${main.digest} has no signed ${missing.join(', ')}`);
        return { ok: true, outputs: [{ kind: 'tree', digest: layout }] };
      }),
  };
}

/** The kind of a statement that one of the keys signed; what others signed is passed over, and so is what cannot be read. */
function predicateTypeOf(
  { content }: Attestation,
  { keys, subject }: { readonly keys: readonly PublicKey[]; readonly subject: OciDigest },
): string | undefined {
  for (const key of keys) {
    try {
      return verifyBundle(content, { key, subject }).predicateType;
    } catch (error) {
      if (!(error instanceof PortkitError)) throw error;
    }
  }
  return undefined;
}

async function keysOf({ keys }: VerifySpec, { readKey }: VerifyWorld): Promise<readonly PublicKey[]> {
  if (keys.length === 0) throw new PortkitError('PK4154', 'A step that verifies needs a public key');
  return Promise.all(
    keys.map(async (key) =>
      parsePublicKey(key.includes('-----BEGIN') ? key : Buffer.from(await readKey(key)).toString('latin1')),
    ),
  );
}
