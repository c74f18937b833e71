import type { Attached } from '../attest/attached.ts';
import { attachedTo } from '../attest/attached.ts';
import type { SigningKey } from '../attest/keys.ts';
import { parseSigningKey } from '../attest/keys.ts';
import type { Referrer } from '../attest/referrer.ts';
import { bundleReferrer } from '../attest/referrer.ts';
import type { Statement } from '../attest/statement.ts';
import { billStatement, encodeStatement, parseStatement, signPredicateType } from '../attest/statement.ts';
import { signPayload } from '../attest/verify.ts';
import { PortkitError } from '../base/errors.ts';
import type { SignSpec } from '../graph/attest-ops.ts';
import { treeSource } from '../oci/layout/tree.ts';
import type { Descriptor } from '../oci/model/descriptor.ts';
import type { FileWorld } from '../ops/input.ts';
import { onlyInput } from '../ops/input.ts';
import { asOutcome } from '../ops/outcome.ts';
import type { Secrets } from '../ops/secret.ts';
import { secretOf } from '../ops/secret.ts';
import type { Op } from '../solver/op.ts';
import { subjectsOf, withReferrers } from './attestations.ts';

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
        const referrers: Referrer[] = [];
        for (const subject of subjects) {
          const attached = await attachedTo(treeSource(layout, world.blobs), subject, signal);
          for (const payload of [signatureOf(subject), ...attached.flatMap((one) => payloadOf(one, subject))]) {
            const statement = parseStatement(payload);
            requireAbout(statement, subject);
            const { predicateType } = statement;
            referrers.push(bundleReferrer(signPayload(payload, key), { subject, predicateType }));
          }
        }
        return { ok: true, outputs: [await withReferrers(layout, referrers, lent)] };
      }),
  };
}

function signatureOf({ digest }: Descriptor): Uint8Array {
  return encodeStatement({ subjects: [{ digest }], predicateType: signPredicateType, predicate: {} });
}

/** What is said without a signature: statements as they are, bills of materials as statements. */
function payloadOf({ form, content, predicateType, problem }: Attached, { digest }: Descriptor): readonly Uint8Array[] {
  if (form === 'bundle') return [];
  if (problem !== undefined) throw problem;
  return [form === 'statement' ? content : billStatement(content, digest, predicateType)];
}

/** A signature must not be had for whatever somebody put into a layout. */
function requireAbout({ subjects }: Statement, { digest }: Descriptor): void {
  if (subjects.every((subject) => subject.digest === digest)) return;
  throw new PortkitError('PK4154', 'A statement in the layout is not about the manifest that it refers to, and is not signed');
}

function keyOf({ key, passphrase }: SignSpec, { secrets }: SignWorld): SigningKey {
  return parseSigningKey(secretOf(key, secrets), passphrase === undefined ? undefined : lineOf(secretOf(passphrase, secrets)));
}

/** A passphrase in a file has the end of a line behind it that is not part of it. */
function lineOf(bytes: Uint8Array): Uint8Array {
  return bytes.at(-1) === 0x0a ? bytes.subarray(0, bytes.at(-2) === 0x0d ? -2 : -1) : bytes;
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
