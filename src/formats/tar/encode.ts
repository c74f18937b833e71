import { byteString, fromBytes, showBytes } from '../../base/byte-string.ts';
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

  const header: HeaderFields = {
    name: split?.name ?? name.slice(0, 100),
    prefix: split?.prefix ?? '',
    typeflag: typeflags[entry.type],
    target: target.slice(0, 100),
    numbers: { mode: entry.mode, uid: entry.uid, gid: entry.gid, size, seconds, ...device },
  };
  const records: [key: string, value: ByteString][] = [];
  if (split === undefined) records.push(['path', name]);
  if (target.length > 100) records.push(['linkpath', target as ByteString]);
  if (size > eleven) records.push(['size', ascii(`${size}`)]);
  if (entry.uid > seven) records.push(['uid', ascii(`${entry.uid}`)]);
  if (entry.gid > seven) records.push(['gid', ascii(`${entry.gid}`)]);
  if (nanos !== 0 || seconds < 0 || seconds > eleven) records.push(['mtime', ascii(timeText(seconds, nanos))]);
  if (device.major > seven) records.push(['SCHILY.devmajor', ascii(`${device.major}`)]);
  if (device.minor > seven) records.push(['SCHILY.devminor', ascii(`${device.minor}`)]);
  for (const xattr of entry.xattrs) records.push([xattrPrefix + xattrKey(xattr.name), fromBytes(xattr.value)]);

  if (records.length === 0) return putHeader(Buffer.allocUnsafe(blockSize), header);
  const body = paxBody(records);
  const filled = body.length + (-body.length & (blockSize - 1));
  const bytes = Buffer.allocUnsafe(blockSize + filled + blockSize);
  putHeader(bytes, paxHeader(name, body.length));
  bytes.write(body, blockSize, 'latin1');
  bytes.fill(0, blockSize + body.length, blockSize + filled);
  putHeader(bytes.subarray(blockSize + filled), header);
  return bytes;
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

type Records = readonly (readonly [key: string, value: ByteString])[];

/** Digits and the like. */
function ascii(text: string): ByteString {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- ASCII is one byte for each character
  return text as ByteString;
}

/** Records sorted by key, one byte for each character; a name that is no UTF-8 is announced as POSIX says. */
function paxBody(records: Records): string {
  const binary = records.some(([key, value]) => (key === 'path' || key === 'linkpath') && byteString(showBytes(value)) !== value);
  const all: Records = binary ? [...records, ['hdrcharset', ascii('BINARY')]] : records;
  const sorted = all.length === 1 ? all : all.toSorted(([a], [b]) => (a < b ? -1 : 1));
  return sorted.map(([key, value]) => record(`${key}=${value}\n`)).join('');
}

function paxHeader(name: ByteString, size: number): HeaderFields {
  const last = name.split('/').findLast((part) => part !== '') ?? '';
  return {
    name: `PaxHeaders/${last.slice(0, 80)}`,
    prefix: '',
    typeflag: 'x',
    target: '',
    numbers: { mode: 0o644, uid: 0, gid: 0, size, seconds: 0, major: 0, minor: 0 },
  };
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

/** What all headers have: the mark, and zeros where nothing is put. */
const template = Buffer.alloc(blockSize);
template.write('ustar\x0000', 257, 'latin1');

/** Puts a header at the start of some bytes, and answers these. */
function putHeader(block: Buffer, { name, prefix, typeflag, target, numbers }: HeaderFields): Buffer {
  block.set(template);
  block.write(name, 0, 100, 'latin1');
  octal(block, numbers.mode, { at: 100, digits: 7 });
  octal(block, numbers.uid, { at: 108, digits: 7 });
  octal(block, numbers.gid, { at: 116, digits: 7 });
  octal(block, numbers.size, { at: 124, digits: 11 });
  octal(block, numbers.seconds, { at: 136, digits: 11 });
  block[156] = typeflag.charCodeAt(0);
  if (target !== '') block.write(target, 157, 100, 'latin1');
  octal(block, numbers.major, { at: 329, digits: 7 });
  octal(block, numbers.minor, { at: 337, digits: 7 });
  if (prefix !== '') block.write(prefix, 345, 155, 'latin1');
  octal(block, checksum(block), { at: 148, digits: 6 });
  block[155] = ' '.charCodeAt(0);
  return block;
}

/** A number that does not fit stands in the pax header, and here as 0. */
function octal(block: Buffer, value: number, { at, digits }: { readonly at: number; readonly digits: 6 | 7 | 11 }): void {
  let rest = value >= 0 && value <= (digits === 11 ? eleven : seven) ? value : 0;
  for (let place = at + digits - 1; place >= at; place -= 1) {
    const above = Math.floor(rest / 8);
    block[place] = zero + rest - above * 8;
    rest = above;
  }
}

const zero = '0'.charCodeAt(0);

/** The zeros that fill up the last block. */
export function padding(size: number): Buffer {
  return Buffer.alloc((blockSize - (size % blockSize)) % blockSize);
}
