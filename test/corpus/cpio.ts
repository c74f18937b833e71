import { gzipSync, zstdCompressSync } from 'node:zlib';
import { longPaths, paths } from './case.ts';
import type { Case } from './case.ts';

/** The thirteen numbers of a header, in order. */
const fields = [
  'ino',
  'mode',
  'uid',
  'gid',
  'nlink',
  'mtime',
  'size',
  'devMajor',
  'devMinor',
  'major',
  'minor',
  'nameSize',
  'check',
] as const;
type Fields = Readonly<Partial<Record<(typeof fields)[number], number | string>>> & { readonly magic?: string };

const fill = (size: number): Buffer => Buffer.alloc(-size & 3);

/** One entry, written without any help of the code under test; a field that is text stands as it is. */
function entry(name: string, given: Fields = {}, body = ''): Buffer {
  const nameBytes = Buffer.from(`${name}\0`);
  const all: Fields = { ino: 1, mode: 0o100644, nlink: 1, size: body.length, nameSize: nameBytes.length, ...given };
  const numbers = fields.map((field) => {
    const value = all[field] ?? 0;
    return typeof value === 'string' ? value : value.toString(16).padStart(8, '0');
  });
  const head = Buffer.from((given.magic ?? '070701') + numbers.join(''), 'latin1');
  return Buffer.concat([head, nameBytes, fill(110 + nameBytes.length), Buffer.from(body, 'latin1'), fill(body.length)]);
}

const trailer = entry('TRAILER!!!', { mode: 0 });
const archive = (...parts: readonly Buffer[]): Buffer => Buffer.concat([...parts, trailer]);
const dir = { mode: 0o040755 };
const link = { mode: 0o120777 };

function numbers(): readonly Case[] {
  const bad = ['0000000g', '-0000001', '+0000001', '0x000001', '       1', '0000001\0', '1.000000'];
  return [
    ...fields.flatMap((field) =>
      bad.map((value): Case => [`${field} ${JSON.stringify(value)}`, archive(entry('a', { [field]: value }, 'x')), 'PK3301']),
    ),
    ['capital digits', archive(entry('a', { uid: 'ABCDEF01' }, 'x')), 'file a=x'],
    ['a size of 4 GiB - 1', archive(entry('a', { size: 0xffffffff }, 'x')), 'PK3301'],
    ['no size of a name', archive(entry('a', { nameSize: 0 }, 'x')), 'PK3301'],
    ['a name of only its NUL', archive(entry('', {}, 'x')), 'PK3301'],
    ['a size of a name that is too small', archive(entry('abcd', { nameSize: 3 }, 'x')), 'PK3301'],
    ['a size of a name that is too large', archive(entry('a', { nameSize: 9 }, 'x')), 'PK3301'],
    ['a size of a name of 4 GiB', archive(entry('a', { nameSize: 0xffffffff }, 'x')), 'PK3301'],
    ['a name filled up with NUL bytes', archive(entry('a\0\0\0\0\0', {}, 'x')), 'file a=x'],
    ['a NUL byte in a name', archive(entry('a\0b', {}, 'x')), 'PK3301'],
  ];
}

const kinds: Readonly<Record<string, number>> = {
  fifo: 0o010644,
  char: 0o020644,
  dir: 0o040755,
  block: 0o060644,
  file: 0o100644,
  symlink: 0o120777,
  socket: 0o140644,
};

function types(): readonly Case[] {
  const all = Object.keys(kinds);
  const one = (kind: string, name = 'a'): Buffer => entry(name, { mode: kinds[kind] ?? 0 }, kind === 'symlink' ? 't' : '');
  const good = new Set(Object.values(kinds).map((mode) => mode >> 12));
  const unknown = Array.from({ length: 16 }, (_, bits) => bits).filter((bits) => !good.has(bits));
  return [
    ...unknown.map((bits): Case => [`the type ${bits}`, archive(entry('a', { mode: bits * 0o10000 + 0o644 })), 'PK3301']),
    ['bits above the type', archive(entry('a', { mode: 0o1100644 })), 'PK3301'],
    ...all.flatMap((first) =>
      all.map((second): Case => {
        const both = first === 'dir' && second === 'dir';
        return [`${first} and ${second} of one name`, archive(one(first), one(second)), both ? 'dir a; dir a' : 'PK3302'];
      }),
    ),
    ...all.map((kind): Case => {
      const bytes = archive(one(kind), entry('a/b', {}, 'x'));
      return [`a file below a ${kind}`, bytes, kind === 'dir' ? 'dir a; file a/b=x' : 'PK3302'];
    }),
    ...all
      .filter((kind) => kind !== 'file' && kind !== 'symlink')
      .map((kind): Case => [`a ${kind} with content`, archive(entry('a', { mode: kinds[kind] ?? 0 }, 'x')), 'PK3301']),
    ['a symlink without target', archive(entry('a', link)), 'PK3301'],
    ['a NUL byte in a target', archive(entry('a', link, 'b\0c')), 'PK3301'],
    ['a target of 4095 bytes', archive(entry('a', link, 't'.repeat(4095))), `symlink a>${'t'.repeat(4095)}`],
    ['a target of 4096 bytes', archive(entry('a', link, 't'.repeat(4096))), 'PK3301'],
    ['a symlink to anywhere', archive(entry('a', link, '/../etc')), 'symlink a>/../etc'],
    ['a device', archive(entry('a', { mode: 0o020600, major: 5, minor: 1 })), 'char a 5,1'],
  ];
}

function names(): readonly Case[] {
  return [
    ...paths.map(([path, expected]): Case => [`the name ${JSON.stringify(path)}`, archive(entry(path, {}, 'x')), expected]),
    ...longPaths.map(([what, path, fits]): Case => [what, archive(entry(path, {}, 'x')), fits ? `file ${path}=x` : 'PK3302']),
    ['a path of 4096 bytes', archive(entry('n/'.repeat(2048), {}, 'x')), 'PK3301'],
    ['a file where a directory is implied', archive(entry('d/f', {}, 'x'), entry('d', {}, 'x')), 'PK3302'],
  ];
}

function links(): readonly Case[] {
  const two = { nlink: 2, ino: 7 };
  const a = entry('a', two);
  return [
    ['content with the last name', archive(a, entry('b', two, 'x')), 'file b=x; hardlink a>b'],
    ['content with the first name', archive(entry('a', two, 'x'), entry('b', two)), 'file a=x; hardlink b>a'],
    ['content with both names', archive(entry('a', two, 'x'), entry('b', two, 'x')), 'PK3302'],
    ['no content', archive(a, entry('b', two)), 'file a=; hardlink b>a'],
    ['more names than announced', archive(a, entry('b', two), entry('c', two, 'x')), 'PK3301'],
    ['fewer names than announced', archive(a), 'file a='],
    ['names with different modes', archive(a, entry('b', { ...two, mode: 0o104755 }, 'x')), 'PK3302'],
    ['names with different owners', archive(a, entry('b', { ...two, uid: 1 }, 'x')), 'PK3302'],
    ['names with different times', archive(a, entry('b', { ...two, mtime: 1 }, 'x')), 'PK3302'],
    ['names with different counts', archive(a, entry('b', { ...two, nlink: 3 }, 'x')), 'PK3302'],
    ['one number on two devices', archive(a, entry('b', { ...two, devMinor: 1 }, 'x')), 'file b=x; file a='],
    ['one number and one name each', archive(entry('a', { ino: 7 }, 'x'), entry('b', { ino: 7 }, 'y')), 'file a=x; file b=y'],
    ['a hard-linked directory', archive(entry('a', { ...two, ...dir }), entry('b', { ...two, ...dir })), 'dir a; dir b'],
    ['a hard link across archives', Buffer.concat([archive(a), archive(entry('b', two, 'x'))]), 'file a=; file b=x'],
    ['2^32 - 1 names', archive(entry('a', { nlink: 0xffffffff })), 'file a='],
  ];
}

function frames(): readonly Case[] {
  const good = archive(entry('a', {}, 'hello'));
  const other = archive(entry('b', {}, 'x'));
  const summed = { magic: '070702' };
  const cuts = [0, 1, 5, 6, 50, 109, 110, 111, 112, 115, 117, 119, 120, 200, 230, 240, good.length - 1];
  const dirty = Buffer.from(good);
  dirty[118] = 1;
  return [
    ...cuts.map((at): Case => [`cut at ${at}`, good.subarray(0, at), 'PK3301']),
    ['no trailer', entry('a', {}, 'x'), 'PK3301'],
    ['a trailer with content', Buffer.concat([entry('a'), entry('TRAILER!!!', {}, 'x')]), 'PK3301'],
    ['a file in a folder that is named like the trailer', archive(entry('TRAILER!!!/a', {}, 'x')), 'file TRAILER!!!/a=x'],
    ['a file that is named nearly like the trailer', archive(entry('./TRAILER!!!', {}, 'x')), 'file TRAILER!!!=x'],
    ['a trailer in the middle', Buffer.concat([good, other]), 'file a=hello; file b=x'],
    ['one name in two archives', Buffer.concat([good, good]), 'PK3302'],
    ['bytes that are not zero between entries', dirty, 'PK3301'],
    ['garbage behind', Buffer.concat([good, Buffer.from('garbage')]), 'PK3301'],
    ['zeros behind', Buffer.concat([good, Buffer.alloc(1000)]), 'file a=hello'],
    ['zeros before', Buffer.concat([Buffer.alloc(1000), good]), 'file a=hello'],
    ['only zeros', Buffer.alloc(1000), 'PK3301'],
    ['17 MiB of zeros between archives', Buffer.concat([good, Buffer.alloc(17 * 2 ** 20), other]), 'PK3303'],
    ['the oldest text form', Buffer.concat([Buffer.from('070707'), Buffer.alloc(200, '0')]), 'PK3301'],
    ['the binary form', Buffer.concat([Buffer.from('c771', 'hex'), Buffer.alloc(200)]), 'PK3301'],
    ['another magic', archive(entry('a', { magic: '070703' }, 'x')), 'PK3301'],
    ['a right sum', archive(entry('a', { ...summed, check: 0x78 + 0x79 }, 'xy')), 'file a=xy'],
    ['a wrong sum', archive(entry('a', { ...summed, check: 1 }, 'xy')), 'PK3301'],
    ['a sum of nothing', archive(entry('a', { ...summed, check: 0 })), 'file a='],
    ['a compressed archive', gzipSync(good), 'file a=hello'],
    ['a gzip and an archive', Buffer.concat([gzipSync(good), other]), 'file a=hello; file b=x'],
    ['an archive and a gzip', Buffer.concat([good, gzipSync(other)]), 'file a=hello; file b=x'],
    ['a zstd and a gzip', Buffer.concat([zstdCompressSync(good), Buffer.alloc(4), gzipSync(other)]), 'file a=hello; file b=x'],
    ['a gzip in a gzip', gzipSync(gzipSync(good)), 'PK3302'],
    ['an archive over two gzips', Buffer.concat([gzipSync(good.subarray(0, 120)), gzipSync(good.subarray(120))]), 'PK3301'],
    ['a gzip that is cut off', gzipSync(good).subarray(0, -4), 'PK3304'],
    ['a gzip of nothing', gzipSync(''), 'PK3301'],
    ['a gzip of nothing behind an archive', Buffer.concat([good, gzipSync('')]), 'PK3301'],
    ['100 gzips', Buffer.concat([good, ...Array.from({ length: 100 }, () => gzipSync(trailer))]), 'file a=hello'],
    [
      'many zeros in many places',
      Buffer.concat(Array.from({ length: 9 }, () => [trailer, Buffer.alloc(2 ** 21)]).flat()),
      'PK3303',
    ],
    ['a gzip of zeros', Buffer.concat([good, gzipSync(Buffer.alloc(20 * 2 ** 20))]), 'PK3303'],
    ['101 gzips', Buffer.concat([good, ...Array.from({ length: 101 }, () => gzipSync(trailer))]), 'PK3303'],
    ['a damaged zstd', Buffer.concat([zstdCompressSync(good).subarray(0, 20), Buffer.alloc(50, 'x')]), 'PK3304'],
    ['what is no cpio', Buffer.alloc(2048, 'text '), 'PK3301'],
  ];
}

/** Everything about cpio. */
export const cpioCases: readonly Case[] = [...numbers(), ...types(), ...names(), ...links(), ...frames()];
