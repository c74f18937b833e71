import { canonicalJson } from '../base/canonical.ts';
import { parseStrictJson } from '../formats/strict-json.ts';
import type { OciDigest } from '../oci/model/digest.ts';
import { isOciDigest } from '../oci/model/digest.ts';
import { fieldsOf, listOf, malformed, textOf } from './json.ts';

/** What is said (`predicate`, of the kind `predicateType`) about what (in-toto/attestation, statement v1). */
export interface Statement {
  readonly subjects: readonly Subject[];
  readonly predicateType: string;
  readonly predicate: unknown;
}

/** One thing that a statement is about. */
interface Subject {
  readonly name?: string;
  readonly digest: OciDigest;
}

/** The media type of a statement, as a layer and as the payload of an envelope. */
export const statementType = 'application/vnd.in-toto+json';

/** What cosign says of an image that it signs and says nothing else about. */
export const signPredicateType = 'https://sigstore.dev/cosign/sign/v1';

/** Bills of materials that stand beside an artifact by themselves, by media type: what they are as predicates. */
export const billTypes: Readonly<Record<string, string>> = {
  'application/spdx+json': 'https://spdx.dev/Document',
  'application/vnd.cyclonedx+json': 'https://cyclonedx.org/bom',
};

const schema = 'https://in-toto.io/Statement/v1';
const readSchemas = [schema, 'https://in-toto.io/Statement/v0.1'];

/** The one text of a statement. */
export function encodeStatement({ subjects, predicateType, predicate }: Statement): Uint8Array {
  const subject = subjects.map(({ name, digest }) => {
    const [algorithm = '', hex = ''] = digest.split(':');
    return { ...(name !== undefined && { name }), digest: { [algorithm]: hex } };
  });
  return Buffer.from(canonicalJson({ _type: schema, subject, predicateType, predicate }));
}

/** A statement from its bytes; PK4151 when it could be understood in two ways or not at all. */
export function parseStatement(bytes: Uint8Array): Statement {
  const fields = fieldsOf(jsonOf(bytes, 'The statement'), 'The statement');
  if (!readSchemas.includes(textOf(fields['_type'], 'Its _type'))) throw malformed('it is of an unknown version');
  const subjects = listOf(fields['subject'], 'Its subject').flatMap((one) => subjectsOf(one));
  const predicateType = textOf(fields['predicateType'], 'Its predicateType');
  if (subjects.length === 0 || predicateType === '') throw malformed('it has no subject or no predicateType');
  return { subjects, predicateType, predicate: fields['predicate'] };
}

/** The statement that a bill of materials is of a subject. */
export function billStatement(bill: Uint8Array, subject: OciDigest, predicateType: string): Uint8Array {
  const predicate = jsonOf(bill, 'The bill of materials');
  try {
    return encodeStatement({ subjects: [{ digest: subject }], predicateType, predicate });
  } catch (error) {
    throw malformed('it has values that JSON does not say the same way everywhere', error);
  }
}

/** A subject with several digests is several: each of them names it. Algorithms that are not ours are passed over. */
function subjectsOf(value: unknown): readonly Subject[] {
  const fields = fieldsOf(value, 'Its subject');
  const name = fields['name'] === undefined ? {} : { name: textOf(fields['name'], 'The name of its subject') };
  return Object.entries(fieldsOf(fields['digest'], 'The digest of its subject')).flatMap(([algorithm, hex]) => {
    const digest = `${algorithm}:${textOf(hex, 'The digest of its subject')}`;
    if (isOciDigest(digest)) return [{ ...name, digest }];
    if (algorithm === 'sha256' || algorithm === 'sha512') throw malformed('the digest of its subject is none');
    return [];
  });
}

/** The JSON value of an attestation; PK4151 when there is none that all readers understand alike. */
export function jsonOf(bytes: Uint8Array, shown: string): unknown {
  try {
    return parseStrictJson(bytes, shown);
  } catch (error) {
    throw malformed('it is no JSON that can be trusted', error);
  }
}
