import { PortkitError } from '../../base/errors.ts';
import type { ErrorCode } from '../../base/errors.ts';
import { printable } from '../../base/printable.ts';
import { objectOf, readDocument } from './documents.ts';
import type { Answer } from '../../http/call.ts';

/** The error codes of distribution-spec. What else a registry says is not repeated without a look: it may echo what it was told. */
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
export async function refusalOf(answer: Answer, doing: string, isTold?: (text: string) => boolean): Promise<PortkitError> {
  const { status } = answer;
  const errors = await errorsOf(answer);
  const words = [...new Set(errors.map(({ code }) => code))];
  const because = [`status ${status}`, ...words].join(', ');
  const why = isTold === undefined ? undefined : reasonOf(errors, isTold);
  const said = `${doing}: ${answer.url.host} says no (${because})${why === undefined ? '' : `: ${why}`}`;
  return new PortkitError(codeOf(status, words), said, hintOf(answer));
}

const longestReason = 500;

/** What is wrong with a manifest or its config, in the words of the registry that knows their schemas. */
function reasonOf(errors: readonly RegistryError[], isTold: (text: string) => boolean): string | undefined {
  const invalid = errors.filter(({ code }) => code === 'MANIFEST_INVALID');
  const text = [...new Set(invalid.flatMap(({ message, detail }) => [message, detail]))].filter((one) => one !== '').join('; ');
  return text === '' || isTold(text) ? undefined : printable(text.slice(0, longestReason).toWellFormed());
}

function codeOf(status: number, words: readonly string[]): ErrorCode {
  if (status === 401 || status === 403) return 'PK4031';
  if (words.includes('MANIFEST_BLOB_UNKNOWN')) return 'PK4037';
  if (words.includes('DIGEST_INVALID') || words.includes('SIZE_INVALID')) return 'PK4003';
  if (status === 404) return 'PK4001';
  return status >= 400 && status < 500 ? 'PK4036' : 'PK4035';
}

function hintOf({ status, url }: Answer): { hint?: string } {
  if (status === 403) return { hint: 'Has the user the right to do this there?' };
  // So servers answer that expect TLS.
  if (status === 400 && url.protocol === 'http:') return { hint: `Perhaps ${url.host} speaks TLS: try it with --tls` };
  return {};
}

interface RegistryError {
  readonly code: string;
  readonly message: string;
  readonly detail: string;
}

async function errorsOf(answer: Answer): Promise<readonly RegistryError[]> {
  const document = objectOf(await readDocument(answer, mostErrorBytes).catch(() => Buffer.alloc(0)));
  const errors = Array.isArray(document?.['errors']) ? (document['errors'] as readonly unknown[]) : [];
  return errors.flatMap((error) => {
    const { code, message, detail }: Readonly<Record<string, unknown>> =
      typeof error === 'object' && error !== null ? { ...error } : {};
    return typeof code === 'string' && known.has(code) ? [{ code, message: textOf(message), detail: textOf(detail) }] : [];
  });
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : '';
}
