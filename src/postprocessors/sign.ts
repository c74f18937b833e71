import { bundleReferrer } from '../attest/referrer.ts';
import type { SigningKey } from '../attest/keys.ts';
import { parseSigningKey } from '../attest/keys.ts';
import type { Statement } from '../attest/statement.ts';
import {
  billStatement,
  billTypes,
  encodeStatement,
  parseStatement,
  signPredicateType,
  statementType,
} from '../attest/statement.ts';
import { signPayload } from '../attest/verify.ts';
import type { Digest } from '../base/digest.ts';
import { PortkitError } from '../base/errors.ts';
import type { SignSpec } from '../graph/attest-ops.ts';
import type { Descriptor } from '../oci/model/descriptor.ts';
import type { FileWorld } from '../ops/input.ts';
import { onlyInput } from '../ops/input.ts';
import { asOutcome } from '../ops/outcome.ts';
import type { Secrets } from '../ops/secret.ts';
import { secretOf } from '../ops/secret.ts';
import type { Op } from '../solver/op.ts';
import { attestationsOf, subjectsOf, withReferrers } from './attestations.ts';
import type { LayoutWorld } from './layout-tree.ts';

/** What signing is lent. */
export interface SignWorld extends FileWorld {
  readonly secrets: Secrets;
}

/**
 * A layout with every manifest of it signed, and every unsigned statement about them signed too. The key's public part is in
 * the step's key, nothing of the private one is in anything: a build without the key does not know what is signed with it.
 */
export function signOp(spec: SignSpec, world: SignWorld): Op {
  return {
    code: 'sign/1',
    pool: 'cpu',
    facts: () => ({ facts: { key: publicIdOf(spec, world) } }),
    run: (inputs, { signal }) =>
      asOutcome(async () => {
        const layout = onlyInput(inputs, 'tree');
        const lent = { blobs: world.blobs, signal };
        const key = keyOf(spec, world);
        const subjects = await subjectsOf(layout, lent);
        const referrers = [
          ...subjects.map((subject) => ({ subject, payload: signatureOf(subject) })),
          ...(await statementsIn(layout, lent)),
        ].map(({ subject, payload }) => {
          const { predicateType, ...statement } = parseStatement(payload);
          if (!subjects.some(({ digest }) => digest === subject.digest) || !isOnlyAbout(statement, subject)) throw foreign();
          return bundleReferrer(signPayload(payload, key), { subject, predicateType });
        });
        return { ok: true, outputs: [await withReferrers(layout, referrers, lent)] };
      }),
  };
}

interface Unsigned {
  readonly subject: Descriptor;
  readonly payload: Uint8Array;
}

function signatureOf({ digest }: Descriptor): Uint8Array {
  return encodeStatement({ subjects: [{ digest }], predicateType: signPredicateType, predicate: {} });
}

/** What a layout says about its manifests without a signature: statements as they are, bills of materials as statements. */
async function statementsIn(layout: Digest, world: LayoutWorld): Promise<readonly Unsigned[]> {
  const statements = await attestationsOf(layout, statementType, world);
  const found = statements.map(({ subject, content }) => ({ subject, payload: content }));
  for (const [mediaType, predicateType] of Object.entries(billTypes)) {
    for (const { subject, content } of await attestationsOf(layout, mediaType, world))
      found.push({ subject, payload: billStatement(content, subject.digest, predicateType) });
  }
  return found;
}

/** A signature must not be had for whatever somebody put into a layout. */
function isOnlyAbout({ subjects }: Pick<Statement, 'subjects'>, { digest }: Descriptor): boolean {
  return subjects.every((subject) => subject.digest === digest);
}

function foreign(): PortkitError {
  return new PortkitError('PK4154', 'A statement in the layout is not about the manifest that it refers to, and is not signed');
}

function keyOf({ key, passphrase }: SignSpec, { secrets }: SignWorld): SigningKey {
  return parseSigningKey(secretOf(key, secrets), passphrase === undefined ? undefined : secretOf(passphrase, secrets));
}

/** Without its key a step can still be asked for: then it is not known, and running it says what is missing. */
function publicIdOf(spec: SignSpec, world: SignWorld): string {
  try {
    return keyOf(spec, world).publicKey.id;
  } catch (error) {
    if (error instanceof PortkitError) return 'none that can be used';
    throw error;
  }
}
