import { PortkitError } from '../../base/errors.ts';
import type { ErrorCode } from '../../base/errors.ts';
import { objectOf, readDocument } from './documents.ts';
import type { Answer } from '../../http/call.ts';

/** The error codes of distribution-spec. Nothing else that a registry says is repeated: it may echo what it was told. */
const known = new Set([
  'BLOB_UNKNOWN',
  'BLOB_UPLOAD_INVALID',
  'BLOB_UPLOAD_UNKNOWN',
  'DIGEST_INVALID',
  'MANIFEST_BLOB_UNKNOWN',
  'MANIFEST_INVALID',
  'MANIFEST_UNKNOWN',
  'NAME_INVALID',
  'NAME_UNKNOWN',
  'SIZE_INVALID',
  'TAG_INVALID',
  'UNAUTHORIZED',
  'DENIED',
  'UNSUPPORTED',
  'TOOMANYREQUESTS',
]);
const mostErrorBytes = 8 * 1024;

/** What an answer that is no success means for what was asked; its body is used up. */
export async function refusalOf(answer: Answer, doing: string): Promise<PortkitError> {
  const { status } = answer;
  const words = await errorCodes(answer);
  const because = `status ${status}${words.length === 0 ? '' : `, ${words.join(', ')}`}`;
  return new PortkitError(codeOf(status, words), `${doing}: ${answer.url.host} says no (${because})`, hintOf(status));
}

function codeOf(status: number, words: readonly string[]): ErrorCode {
  if (status === 401 || status === 403) return 'PK4031';
  if (words.includes('MANIFEST_BLOB_UNKNOWN')) return 'PK4037';
  if (words.includes('DIGEST_INVALID') || words.includes('SIZE_INVALID')) return 'PK4003';
  if (status === 404) return 'PK4001';
  return status >= 400 && status < 500 ? 'PK4036' : 'PK4035';
}

function hintOf(status: number): { hint?: string } {
  if (status === 403) return { hint: 'Has the user the right to do this there?' };
  return {};
}

async function errorCodes(answer: Answer): Promise<readonly string[]> {
  const document = objectOf(await readDocument(answer, mostErrorBytes).catch(() => Buffer.alloc(0)));
  const errors = Array.isArray(document?.['errors']) ? (document['errors'] as readonly unknown[]) : [];
  const codes = errors.map((error) => (typeof error === 'object' && error !== null && 'code' in error ? error.code : undefined));
  return [...new Set(codes.filter((code): code is string => typeof code === 'string' && known.has(code)))];
}
