import { fromBytes } from '../../base/byte-string.ts';
import type { ByteString } from '../../base/byte-string.ts';
import { malformed } from '../archive-errors.ts';

/** One header block as it stands. */
export interface Header {
  readonly typeflag: string;
  readonly name: ByteString;
  readonly link: ByteString;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly size: number;
  readonly seconds: number;
  /** Read on demand: only devices have them, and others leave anything there. */
  readonly device: () => { readonly major: number; readonly minor: number };
}

/** Reads a header block: POSIX ustar, GNU tar's own variant of it, or the oldest form, which ends after the link's target. */
export function decodeHeader(block: Buffer, where: string): Header {
  const sum = number(block, { at: 148, size: 8 }, where);
  if (sum !== checksum(block)) throw malformed(where, 'the checksum of a header is wrong');
  const magic = block.toString('latin1', 257, 265);
  // GNU tar keeps other things where POSIX has the prefix of the name.
  const posix = magic === 'ustar\x0000';
  const oldest = magic === '\0'.repeat(8);
  if (!posix && !oldest && magic !== 'ustar  \0') throw malformed(where, 'a header is of no known variant of tar');
  const name = text(block, { at: 0, size: 100 }, where);
  const prefix = posix ? text(block, { at: 345, size: 155 }, where) : '';
  return {
    // The oldest form knows a directory by the slash.
    typeflag: oldest && block[156] === 0 && name.endsWith('/') ? '5' : String.fromCodePoint(block[156] ?? 0),
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- byte strings joined are a byte string
    name: prefix === '' ? name : (`${prefix}/${name}` as ByteString),
    link: text(block, { at: 157, size: 100 }, where),
    // Old programs also store the type of the inode above the permission bits.
    mode: number(block, { at: 100, size: 8 }, where) & 0o7777,
    uid: owner(block, { at: 108, size: 8 }, where),
    gid: owner(block, { at: 116, size: 8 }, where),
    size: number(block, { at: 124, size: 12 }, where),
    seconds: number(block, { at: 136, size: 12, signed: true }, where),
    device() {
      if (oldest) throw malformed(where, 'the oldest form of tar has no devices');
      return { major: owner(block, { at: 329, size: 8 }, where), minor: owner(block, { at: 337, size: 8 }, where) };
    },
  };
}

/** The sum of a header's bytes, its own field taken as spaces. */
export function checksum(block: Uint8Array): number {
  let sum = 8 * 32;
  for (let at = 0; at < 148; at++) sum += block[at]!;
  for (let at = 156; at < 512; at++) sum += block[at]!;
  return sum;
}

interface Field {
  readonly at: number;
  readonly size: number;
  readonly signed?: boolean;
}

/** As long as the longest text field. */
const zeros = Buffer.alloc(155);

/** Text up to the first NUL; whatever stands behind it must be NUL too, so that no two programs read two names. */
function text(block: Buffer, { at, size }: Field, where: string): ByteString {
  const field = block.subarray(at, at + size);
  const end = field.indexOf(0);
  if (end < 0) return fromBytes(field);
  if (!field.subarray(end).equals(zeros.subarray(0, size - end))) throw malformed(where, 'a name in a header holds a NUL byte');
  return fromBytes(field.subarray(0, end));
}

/** Octal digits, or (GNU) a binary number whose first bit is set. */
function number(block: Buffer, { at, size, signed }: Field, where: string): number {
  const field = block.subarray(at, at + size);
  const first = field[0] ?? 0;
  if (first < 0x80) {
    const digits = /^ *([0-7]*)[ \0]*$/.exec(field.toString('latin1'))?.[1];
    if (digits === undefined) throw malformed(where, 'a number in a header is malformed');
    return digits === '' ? 0 : Number.parseInt(digits, 8);
  }
  const negative = signed === true && first === 0xff;
  if (first !== 0x80 && !negative) throw malformed(where, 'a number in a header is out of range');
  const bits = BigInt(`0x${field.toString('hex', 1)}`);
  const value = Number(negative ? bits - (1n << BigInt(8 * (size - 1))) : bits);
  if (!Number.isSafeInteger(value)) throw malformed(where, 'a number in a header is out of range');
  return value;
}

function owner(block: Buffer, field: Field, where: string): number {
  const value = number(block, field, where);
  if (value > 0xffffffff) throw malformed(where, 'an owner or device number is out of range');
  return value;
}
