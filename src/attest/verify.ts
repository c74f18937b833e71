import { PortkitError } from '../base/errors.ts';
import type { OciDigest } from '../oci/model/digest.ts';
import { encodeBundle, parseBundle } from './bundle.ts';
import { preAuthenticationEncoding, signEnvelope } from './dsse.ts';
import type { PublicKey, SigningKey } from './keys.ts';
import type { Statement } from './statement.ts';
import { encodeStatement, parseStatement, statementType } from './statement.ts';

/** A statement signed by a key, as the bytes of a bundle. */
export function signStatement(statement: Statement, key: SigningKey): Uint8Array {
  return signPayload(encodeStatement(statement), key);
}

/** The same for a statement that somebody wrote down: its bytes are signed as they are. */
export function signPayload(payload: Uint8Array, key: SigningKey): Uint8Array {
  const envelope = signEnvelope({ payloadType: statementType, payload }, key);
  return encodeBundle({ envelope, keyId: key.publicKey.id });
}

/** What a bundle has to be: signed by this key, about this, and of one of these kinds (any, unless given). */
export interface Expectation {
  readonly key: PublicKey;
  readonly subject: OciDigest;
  readonly predicateTypes?: readonly string[];
}

/** The statement of a bundle that is what was expected; PK4152 when it is not, PK4151 when it cannot be read. */
export function verifyBundle(bytes: Uint8Array, { key, subject, predicateTypes }: Expectation): Statement {
  const { envelope } = parseBundle(bytes);
  if (envelope.payloadType !== statementType) throw refused('what is signed is no in-toto statement');
  const signed = preAuthenticationEncoding(envelope.payloadType, envelope.payload);
  if (!key.verify(signed, envelope.signature)) throw refused(`the key ${key.id} did not sign it`);
  const statement = parseStatement(envelope.payload);
  if (!statement.subjects.some(({ digest }) => digest === subject)) throw refused(`it is about something else than ${subject}`);
  if (predicateTypes !== undefined && !predicateTypes.includes(statement.predicateType))
    throw refused(`it is a ${JSON.stringify(statement.predicateType)}, not ${predicateTypes.join(' or ')}`);
  return statement;
}

function refused(why: string): PortkitError {
  return new PortkitError('PK4152', `An attestation does not hold: ${why}`);
}
