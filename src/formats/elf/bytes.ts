import { fromBytes } from '../../base/byte-string.ts';
import type { ByteString } from '../../base/byte-string.ts';
import { PortkitError } from '../../base/errors.ts';

/** Reads this many bytes from this place of a file; fewer when the file ends before. */
export type ReadAt = (offset: number, size: number) => Promise<Uint8Array>;

/** A file's bytes as numbers in its own order and width. */
export interface ElfBytes {
  readonly read: ReadAt;
  readonly bits: 32 | 64;
  readonly endian: 'little' | 'big';
}

/** Exactly these bytes; a place outside of the file is an error. */
export async function takeAt(read: ReadAt, offset: number, size: number): Promise<DataView> {
  const bytes = Number.isSafeInteger(offset + size) && offset >= 0 ? await read(offset, size) : new Uint8Array();
  if (bytes.length !== size) throw malformedElf('something lies outside of the file');
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** A number of 2, 4 or 8 bytes; beyond 2^53 there is no file. */
export function numberAt(view: DataView, { endian }: ElfBytes, [at, size]: readonly [at: number, size: number]): number {
  const little = endian === 'little';
  if (size === 2) return view.getUint16(at, little);
  if (size === 4) return view.getUint32(at, little);
  const value = view.getBigUint64(at, little);
  return value <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(value) : Number.POSITIVE_INFINITY;
}

/** The text at a place, which ends with a NUL within `most` bytes. */
export async function textAt(read: ReadAt, offset: number, most: number): Promise<ByteString> {
  const size = Math.min(most, 4096);
  const bytes = size > 0 && Number.isSafeInteger(offset) ? await read(offset, size) : new Uint8Array();
  const end = bytes.indexOf(0);
  if (end < 0) throw malformedElf('a text has no end');
  return fromBytes(bytes.subarray(0, end));
}

/** The error for a file that begins like an ELF file and is none. */
export function malformedElf(what: string): PortkitError {
  return new PortkitError('PK3305', `The ELF file is malformed: ${what}`);
}
