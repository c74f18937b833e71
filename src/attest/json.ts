import { PortkitError } from '../base/errors.ts';

/** An object of a document that comes from outside. */
export type Fields = Readonly<Record<string, unknown>>;

/** The value as an object; PK4151 when it is none. */
export function fieldsOf(value: unknown, shown: string): Fields {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw malformed(`${shown} is no object`);
  return Object.fromEntries(Object.entries(value));
}

/** The value as a list. */
export function listOf(value: unknown, shown: string): readonly unknown[] {
  if (!Array.isArray(value)) throw malformed(`${shown} is no list`);
  return value;
}

/** The value as text. */
export function textOf(value: unknown, shown: string): string {
  if (typeof value !== 'string') throw malformed(`${shown} is no text`);
  return value;
}

/** The bytes that a value has in base64; only the one spelling is taken that encoding them again gives. */
export function bytesOf(value: unknown, shown: string): Uint8Array {
  const text = textOf(value, shown);
  const bytes = Buffer.from(text, 'base64');
  if (bytes.length === 0 || bytes.toString('base64') !== text) throw malformed(`${shown} is no base64`);
  return bytes;
}

/** An attestation that is not written as the specifications say. */
export function malformed(why: string, cause?: unknown): PortkitError {
  return new PortkitError('PK4151', `An attestation is malformed: ${why}`, cause === undefined ? {} : { cause });
}
