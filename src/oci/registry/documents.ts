import { PortkitError } from '../../base/errors.ts';
import { documentLimit } from '../model/manifest.ts';
import type { Answer } from '../../http/call.ts';

/** The whole body of an answer; PK4006 when it is larger than allowed. */
export async function readDocument(answer: Answer, limit = documentLimit): Promise<Buffer> {
  checkEncoding(answer);
  answer.hurry();
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of answer.body) {
    size += chunk.length;
    if (size > limit) throw new PortkitError('PK4006', `${answer.url.host} sends a document of more than ${limit} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

/** PK4035 for content that is encoded: nobody asks for that, and it can be of any size when it is decoded. */
export function checkEncoding(answer: Answer): void {
  if ((answer.header('content-encoding') ?? 'identity') === 'identity') return;
  answer.discard();
  throw new PortkitError('PK4035', `${answer.url.host} encodes an answer, which was not asked for`);
}

/** The object that is a document of JSON, else undefined. */
export function objectOf(bytes: Buffer): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(bytes.toString('utf8'));
    return typeof value === 'object' && value !== null && !Array.isArray(value)
      ? (value as Readonly<Record<string, unknown>>)
      : undefined;
  } catch {
    return undefined;
  }
}
