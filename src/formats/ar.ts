import { PortkitError } from '../base/errors.ts';
import { byteReader } from './byte-reader.ts';
import type { ByteReader } from './byte-reader.ts';

/** A member of an ar archive. Its content can be read once, and only until the next member is asked for. */
export interface ArMember {
  readonly name: string;
  readonly size: number;
  readonly content: AsyncIterable<Uint8Array>;
}

const magic = '!<arch>\n';
const headerSize = 60;
/** Name, time, owner, group, mode and size as text, filled up with spaces, and an end mark. */
const header = /^([\w.+~-]{1,16}?)\/? *$/;
const number = /^(\d{1,10}) *$/;

/**
 * The members of an ar archive as Debian packages are made of: short names of plain letters. What other programs take for
 * long names or symbol tables is refused (PK3302), and so are members of one name; what is cut off, has a wrong number, or
 * is followed by anything is PK3301.
 */
export async function* readAr(source: AsyncIterable<Uint8Array>, signal: AbortSignal): AsyncGenerator<ArMember> {
  const reader = byteReader(source);
  const names = new Set<string>();
  try {
    if ((await reader.take(magic.length)).toString('latin1') !== magic) throw malformed(reader, 'it does not begin as one does');
    for (;;) {
      signal.throwIfAborted();
      const member = await readHeader(reader);
      if (member === undefined) return;
      if (names.has(member.name)) throw refused(reader, `the member ${JSON.stringify(member.name)} comes twice`);
      names.add(member.name);
      const left = { bytes: member.size };
      yield { ...member, content: contentOf(reader, left, signal) };
      // Passes over what was not read.
      for await (const rest of contentOf(reader, left, signal)) if (rest.length === 0) break;
      if (member.size % 2 === 1 && (await reader.take(1)).toString('latin1') !== '\n')
        throw malformed(reader, 'its filling is wrong');
    }
  } finally {
    await reader.close();
  }
}

async function readHeader(reader: ByteReader): Promise<{ readonly name: string; readonly size: number } | undefined> {
  const bytes = await reader.take(headerSize);
  if (bytes.length === 0) return undefined;
  const text = bytes.toString('latin1');
  if (bytes.length < headerSize || text.slice(58) !== '`\n') throw malformed(reader, 'a header is cut off or damaged');
  const fields = [text.slice(16, 28), text.slice(28, 34), text.slice(34, 40), text.slice(40, 48), text.slice(48, 58)];
  if (!fields.every((field) => number.test(field))) throw malformed(reader, 'a number in a header is malformed');
  const name = header.exec(text.slice(0, 16))?.[1];
  if (name === undefined || /^\d+$/.test(name)) throw refused(reader, `the member name ${JSON.stringify(text.slice(0, 16))}`);
  return { name, size: Number(number.exec(fields[4] ?? '')?.[1]) };
}

async function* contentOf(reader: ByteReader, left: { bytes: number }, signal: AbortSignal): AsyncGenerator<Uint8Array> {
  while (left.bytes > 0) {
    signal.throwIfAborted();
    const bytes = await reader.some(Math.min(left.bytes, 2 ** 20));
    if (bytes.length === 0) throw malformed(reader, 'it ends in the middle of a member');
    left.bytes -= bytes.length;
    yield bytes;
  }
}

function malformed({ offset }: ByteReader, what: string): PortkitError {
  return new PortkitError('PK3301', `The ar archive is malformed near byte ${offset}: ${what}`);
}

function refused({ offset }: ByteReader, what: string): PortkitError {
  return new PortkitError('PK3302', `The ar archive is refused near byte ${offset}: ${what}`);
}
