import { byteString, fromBytes, showBytes, toBytes } from '../../base/byte-string.ts';
import type { ByteString } from '../../base/byte-string.ts';
import { blockSize } from './entry.ts';
import type { PackedEntry, TarBody } from './entry.ts';
import { checksum } from './header.ts';
import { xattrPrefix } from './pax.ts';

const typeflags = {
  file: '0',
  hardlink: '1',
  symlink: '2',
  char: '3',
  block: '4',
  dir: '5',
  fifo: '6',
} as const satisfies Record<TarBody['type'], string>;

/** The largest numbers of the octal fields of 8 and of 12 bytes. */
const seven = 0o7777777;
const eleven = 0o77777777777;

/** The header of an entry, with a pax header in front of it when plain ustar cannot say all of it. */
export function encodeEntry(entry: PackedEntry): Buffer {
  const name = nameOf(entry);
  const split = splitName(name);
  const target = entry.type === 'symlink' || entry.type === 'hardlink' ? entry.target : '';
  const device = entry.type === 'char' || entry.type === 'block' ? entry : { major: 0, minor: 0 };
  const size = entry.type === 'file' ? entry.size : 0;
  const { seconds, nanos } = entry.mtime;

  const records = new Map<string, ByteString>();
  if (split === undefined) records.set('path', name);
  if (target.length > 100) records.set('linkpath', target as ByteString);
  if (size > eleven) records.set('size', byteString(`${size}`));
  if (entry.uid > seven) records.set('uid', byteString(`${entry.uid}`));
  if (entry.gid > seven) records.set('gid', byteString(`${entry.gid}`));
  if (nanos !== 0 || seconds < 0 || seconds > eleven) records.set('mtime', byteString(timeText(seconds, nanos)));
  if (device.major > seven) records.set('SCHILY.devmajor', byteString(`${device.major}`));
  if (device.minor > seven) records.set('SCHILY.devminor', byteString(`${device.minor}`));
  for (const xattr of entry.xattrs) records.set(xattrPrefix + xattrKey(xattr.name), fromBytes(xattr.value));

  const own = encodeHeader({
    name: split?.name ?? name.slice(0, 100),
    prefix: split?.prefix ?? '',
    typeflag: typeflags[entry.type],
    target: target.slice(0, 100),
    numbers: { mode: entry.mode, uid: entry.uid, gid: entry.gid, size, seconds, ...device },
  });
  return records.size === 0 ? own : Buffer.concat([encodePax(records, name), own]);
}

/** A directory's name ends with a slash; the root is `./`. */
function nameOf({ path, type }: PackedEntry): ByteString {
  return (type === 'dir' ? `${path === '' ? '.' : path}/` : path) as ByteString;
}

/** A name in the two fields of ustar, or undefined when it does not fit. */
function splitName(name: ByteString): { readonly name: string; readonly prefix: string } | undefined {
  if (name.length <= 100) return { name, prefix: '' };
  const slash = name.indexOf('/', name.length - 101);
  if (slash <= 0 || slash > 155 || slash === name.length - 1) return undefined;
  return { name: name.slice(slash + 1), prefix: name.slice(0, slash) };
}

function timeText(seconds: number, nanos: number): string {
  const negative = seconds < 0 && nanos > 0;
  const whole = negative ? seconds + 1 : seconds;
  const fraction =
    nanos === 0
      ? ''
      : `.${String(negative ? 1e9 - nanos : nanos)
          .padStart(9, '0')
          .replace(/0+$/, '')}`;
  return `${negative && whole === 0 ? '-' : ''}${whole}${fraction}`;
}

/** See `decodePax`: `=` would end the key. */
function xattrKey(name: ByteString): string {
  return name.replaceAll('%', '%25').replaceAll('=', '%3D');
}

/** The pax header: records sorted by key; a value that is no UTF-8 is announced as POSIX says. */
function encodePax(records: ReadonlyMap<string, ByteString>, name: ByteString): Buffer {
  const names = ['path', 'linkpath'].map((key) => records.get(key) ?? byteString(''));
  const all = new Map(records);
  if (names.some((one) => byteString(showBytes(one)) !== one)) all.set('hdrcharset', byteString('BINARY'));
  const sorted = [...all].toSorted(([a], [b]) => (a < b ? -1 : 1));
  const body = toBytes(sorted.map(([key, value]) => record(`${key}=${value}\n`)).join('') as ByteString);
  const last = name.split('/').findLast((part) => part !== '') ?? '';
  const header = encodeHeader({
    name: `PaxHeaders/${last.slice(0, 80)}`,
    prefix: '',
    typeflag: 'x',
    target: '',
    numbers: { mode: 0o644, uid: 0, gid: 0, size: body.length, seconds: 0, major: 0, minor: 0 },
  });
  return Buffer.concat([header, body, padding(body.length)]);
}

/** A record begins with its length, the digits of the length included. */
function record(text: string): string {
  let length = text.length + 2;
  while (`${length} `.length + text.length !== length) length++;
  return `${length} ${text}`;
}

interface HeaderFields {
  readonly name: string;
  readonly prefix: string;
  readonly typeflag: string;
  readonly target: string;
  readonly numbers: Readonly<Record<'mode' | 'uid' | 'gid' | 'size' | 'seconds' | 'major' | 'minor', number>>;
}

function encodeHeader({ name, prefix, typeflag, target, numbers }: HeaderFields): Buffer {
  const block = Buffer.alloc(blockSize);
  block.write(name, 0, 100, 'latin1');
  octal(block, numbers.mode, { at: 100, digits: 7 });
  octal(block, numbers.uid, { at: 108, digits: 7 });
  octal(block, numbers.gid, { at: 116, digits: 7 });
  octal(block, numbers.size, { at: 124, digits: 11 });
  octal(block, numbers.seconds, { at: 136, digits: 11 });
  block.write(typeflag, 156, 'latin1');
  block.write(target, 157, 100, 'latin1');
  block.write('ustar\x0000', 257, 'latin1');
  octal(block, numbers.major, { at: 329, digits: 7 });
  octal(block, numbers.minor, { at: 337, digits: 7 });
  block.write(prefix, 345, 155, 'latin1');
  block.write(`${checksum(block).toString(8).padStart(6, '0')}\0 `, 148, 'latin1');
  return block;
}

/** A number that does not fit stands in the pax header, and here as 0. */
function octal(block: Buffer, value: number, { at, digits }: { readonly at: number; readonly digits: 7 | 11 }): void {
  const fits = value >= 0 && value <= (digits === 7 ? seven : eleven);
  block.write((fits ? value : 0).toString(8).padStart(digits, '0'), at, 'latin1');
}

/** The zeros that fill up the last block. */
export function padding(size: number): Buffer {
  return Buffer.alloc((blockSize - (size % blockSize)) % blockSize);
}
