import { fromBytes } from '../../base/byte-string.ts';
import type { ByteString } from '../../base/byte-string.ts';
import { malformed, refused } from '../archive-errors.ts';

/** What the extended header before an entry says about it. */
export interface Extension {
  readonly path?: ByteString;
  readonly link?: ByteString;
  readonly size?: number;
  readonly uid?: number;
  readonly gid?: number;
  readonly mtime?: { readonly seconds: number; readonly nanos: number };
  readonly major?: number;
  readonly minor?: number;
  readonly xattrs?: ReadonlyMap<ByteString, Uint8Array>;
}

/** The records of a pax header by key; each is `<length> <key>=<value>\n`, where the length counts all of it. */
export function decodeRecords(bytes: Buffer, where: string): ReadonlyMap<ByteString, Buffer> {
  const records = new Map<ByteString, Buffer>();
  for (let at = 0; at < bytes.length;) {
    const digits = /^([1-9][0-9]{0,8}) /.exec(bytes.toString('latin1', at, at + 10))?.[1];
    const end = at + Number(digits);
    const begin = at + (digits?.length ?? 0) + 1;
    const equals = bytes.indexOf('=', begin);
    if (digits === undefined || end > bytes.length || bytes[end - 1] !== 0x0a || equals <= begin || equals >= end) {
      throw malformed(where, 'an extended header is malformed');
    }
    const key = fromBytes(bytes.subarray(begin, equals));
    if (key.includes('\0')) throw malformed(where, 'an extended header is malformed');
    if (records.has(key)) throw malformed(where, `an extended header says ${JSON.stringify(key.slice(0, 100))} twice`);
    records.set(key, bytes.subarray(equals + 1, end - 1));
    at = end;
  }
  return records;
}

/** The prefix of the keys that hold extended attributes; GNU tar, bsdtar, Go and others agree on it. */
export const xattrPrefix = 'SCHILY.xattr.';

/** Reads a pax header. Keys that change what an entry is, and are not known here, are refused; remarks are passed over. */
export function decodePax(bytes: Buffer, where: string): Extension {
  const xattrs = new Map<ByteString, Uint8Array>();
  const found: { -readonly [Key in keyof Extension]: Extension[Key] } = {};
  for (const [key, value] of decodeRecords(bytes, where)) {
    if (key.startsWith(xattrPrefix)) {
      const name = xattrName(key);
      if (name === '' || name.length > 255) throw malformed(where, 'the name of an extended attribute is not allowed');
      xattrs.set(name, value);
    } else if (key === 'path') found.path = name(value, where);
    else if (key === 'linkpath') found.link = name(value, where);
    else if (key === 'size') found.size = count(value, Number.MAX_SAFE_INTEGER, where);
    else if (key === 'uid') found.uid = count(value, 0xffffffff, where);
    else if (key === 'gid') found.gid = count(value, 0xffffffff, where);
    else if (key === 'mtime') found.mtime = time(value, where);
    else if (key === 'SCHILY.devmajor') found.major = count(value, 0xffffffff, where);
    else if (key === 'SCHILY.devminor') found.minor = count(value, 0xffffffff, where);
    else if (/^GNU\.(?!volume)|^SCHILY\.(?:realsize|acl\.|filetype)/.test(key)) {
      throw refused(where, `an entry uses ${JSON.stringify(key.slice(0, 100))}, which portkit does not read`);
    }
  }
  return { ...found, xattrs };
}

/** Like GNU tar, which writes `%` and `=` of a name as `%25` and `%3D`, because `=` ends the key. */
function xattrName(key: ByteString): ByteString {
  const name = key.slice(xattrPrefix.length).replaceAll('%3D', '=').replaceAll('%25', '%');
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- ASCII replaced by ASCII
  return name as ByteString;
}

function name(value: Buffer, where: string): ByteString {
  if (value.length === 0 || value.includes(0))
    throw malformed(where, 'a name in an extended header is empty or holds a NUL byte');
  return fromBytes(value);
}

function count(value: Buffer, most: number, where: string): number {
  const digits = value.toString('latin1');
  const result = /^[0-9]{1,16}$/.test(digits) ? Number(digits) : Number.NaN;
  if (!(result <= most)) throw malformed(where, 'a number in an extended header is malformed or out of range');
  return result;
}

/** Seconds and a fraction; what is finer than a nanosecond is dropped. */
function time(value: Buffer, where: string): { readonly seconds: number; readonly nanos: number } {
  const [, minus, whole, fraction] = /^(-?)([0-9]{1,16})(?:\.([0-9]{0,40}))?$/.exec(value.toString('latin1')) ?? [];
  if (whole === undefined || !Number.isSafeInteger(Number(whole)))
    throw malformed(where, 'a time in an extended header is malformed');
  const seconds = Number(whole);
  const nanos = Number((fraction ?? '').slice(0, 9).padEnd(9, '0'));
  if (minus === '') return { seconds, nanos };
  return nanos === 0 ? { seconds: seconds === 0 ? 0 : -seconds, nanos } : { seconds: -seconds - 1, nanos: 1e9 - nanos };
}
