import { PortkitError } from '../base/errors.ts';
import type { OciDigest } from '../oci/model/digest.ts';
import type { Attached } from './attached.ts';
import type { PublicKey } from './keys.ts';
import type { Statement } from './statement.ts';
import { verifyBundle } from './verify.ts';

/** What has to be signed, and by whom: one of the keys is enough for each statement. */
export interface Policy {
  readonly keys: readonly PublicKey[];
  /** There has to be a statement of each of these kinds. */
  readonly predicateTypes: readonly string[];
}

/** The statements about a subject that a trusted key signed; PK4153 unless there is one, and one of each kind. */
export function requireSigned(
  attached: readonly Attached[],
  subject: OciDigest,
  { keys, predicateTypes }: Policy,
): readonly Statement[] {
  const bundles = attached.filter(({ form, problem }) => form === 'bundle' && problem === undefined);
  const signed = bundles.flatMap(({ content }) => trusted(content, subject, keys) ?? []);
  if (signed.length === 0) {
    throw new PortkitError('PK4153', `${subject} is not signed with ${keys.map(({ id }) => id).join(' or ')}`, {
      hint: bundles.length === 0 ? 'Nothing beside it is signed' : `What is signed beside it: ${bundles.map(shown).join(', ')}`,
    });
  }
  const missing = predicateTypes.filter((type) => !signed.some(({ predicateType }) => predicateType === type));
  if (missing.length > 0)
    throw new PortkitError('PK4153', `${subject} has no signed ${missing.join(', ')}`, {
      hint: `Signed with a trusted key is: ${[...new Set(signed.map(({ predicateType }) => JSON.stringify(predicateType.slice(0, 200))))].join(', ')}`,
    });
  return signed;
}

/** What others signed is passed over, and so is what is about something else. */
function trusted(bundle: Uint8Array, subject: OciDigest, keys: readonly PublicKey[]): Statement | undefined {
  for (const key of keys) {
    try {
      return verifyBundle(bundle, { key, subject });
    } catch (error) {
      if (!(error instanceof PortkitError)) throw error;
    }
  }
  return undefined;
}

function shown({ predicateType, keyId }: Attached): string {
  return `${JSON.stringify(predicateType.slice(0, 200))} by ${JSON.stringify((keyId ?? 'a certificate').slice(0, 100))}`;
}
