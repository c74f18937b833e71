import { gzipSync } from 'node:zlib';
import type { Case } from './case.ts';
import { tarOf } from './tar-bytes.ts';

const fields = { name: 16, time: 12, uid: 6, gid: 6, mode: 8, size: 10 } as const;
type Fields = Readonly<Partial<Record<keyof typeof fields, string>>> & { readonly end?: string };

/** One member, written without any help of the code under test. */
function member(name: string, body = 'x', given: Fields = {}): Buffer {
  const all: Fields = { name, time: '0', uid: '0', gid: '0', mode: '100644', size: `${body.length}`, ...given };
  const head = Object.entries(fields).map(([field, size]) =>
    (all[field as keyof typeof fields] ?? '').padEnd(size).slice(0, size),
  );
  return Buffer.from(`${head.join('')}${given.end ?? '`\n'}${body}${body.length % 2 === 1 ? '\n' : ''}`, 'latin1');
}

const magic = Buffer.from('!<arch>\n');
const archive = (...members: readonly Buffer[]): Buffer => Buffer.concat([magic, ...members]);

const version = member('debian-binary', '2.0\n');
const control = member('control.tar.gz');
const data = (...names: readonly string[]): Buffer => member('data.tar', tarOf(...names).toString('latin1'));
const gzipped = gzipSync(tarOf('a')).toString('latin1');

/** Debian packages; what is told is the tree they leave. */
export const debCases: readonly Case[] = [
  ['one file', archive(version, control, data('d/a')), '/ dir; /d dir; /d/a file'],
  ['a gzip', archive(version, control, member('data.tar.gz', gzipped)), '/ dir; /a file'],
  ['no members', archive(), 'PK3301'],
  ['no version', archive(control, data('a')), 'PK3301'],
  ['another version', archive(member('debian-binary', '3.0\n'), control, data('a')), 'PK3301'],
  ['an empty version', archive(member('debian-binary', ''), control, data('a')), 'PK3301'],
  ['no control', archive(version, data('a')), 'PK3301'],
  ['no data', archive(version, control), 'PK3301'],
  ['data before control', archive(version, data('a'), control), 'PK3301'],
  ['data behind something else', archive(version, control, member('x'), data('a')), 'PK3301'],
  ['two data', archive(version, control, data('a'), member('data.tar.gz', gzipped)), 'PK3301'],
  ['data twice', archive(version, control, data('a'), data('b')), 'PK3302'],
  ['data in another format', archive(version, control, member('data.tar.bz2', 'BZh')), 'PK3301'],
  [
    'data that is not compressed as it says',
    archive(version, control, member('data.tar.gz', tarOf('a').toString('latin1'))),
    'PK3304',
  ],
  ['compressed data that is cut off', archive(version, control, member('data.tar.gz', gzipped.slice(0, -4))), 'PK3304'],
  ['a path upwards', archive(version, control, data('../a')), 'PK3302'],
  ['an absolute path', archive(version, control, data('/a')), 'PK3302'],
  ['a path twice', archive(version, control, data('a', 'a')), 'PK3302'],
  ['a file below a file', archive(version, control, data('a', 'a/b')), 'PK3302'],
  ['a broken tar', archive(version, control, member('data.tar', 'text')), 'PK3301'],
  ['a tar of nothing', archive(version, control, data()), '/ dir'],
  ['a bomb', archive(version, control, member('data.tar.gz', gzipSync(Buffer.alloc(2 ** 22, 'x')).toString('latin1'))), 'PK3301'],
];

/** Everything about ar, which Debian packages are made of. */
export const arCases: readonly Case[] = [
  ...(['time', 'uid', 'gid', 'mode', 'size'] as const).flatMap((field) =>
    ['', '-1', '+1', '0x1', '1x', '1 2', '\0', '1.5', ' 1'].map((value): Case => [
      `${field} ${JSON.stringify(value)}`,
      archive(member('a', 'x', { [field]: value })),
      'PK3301',
    ]),
  ),
  ...['', '/', '//', '/1', '#1/4', '../x', '/etc', 'a/b', 'a\0', 'a b', 'a\n', 'ä', '12', '"', '\u001b', '__.SYMDEF SORTED'].map(
    (name): Case => [`the name ${JSON.stringify(name)}`, archive(member(name)), 'PK3302'],
  ),
  ...['a', 'a/', 'debian-binary', 'data.tar.xz', '..', '.', '-rf', '__proto__'].map((name): Case => [
    `the name ${JSON.stringify(name)}`,
    archive(member(name)),
    `${name.replace('/', '')}=x`,
  ]),
  ...[0, 1, 7, 9, 40, 67, 68, 69].map((at): Case => {
    const bytes = archive(member('a', 'xyz')).subarray(0, at);
    return [`cut at ${at}`, bytes, 'PK3301'];
  }),
  ['only the magic', magic, ''],
  ['a name twice', archive(member('a'), member('a/')), 'PK3302'],
  ['a wrong end mark', archive(member('a', 'x', { end: 'xx' })), 'PK3301'],
  ['a size beyond the end', archive(member('a', 'x', { size: '9999999999' })), 'PK3301'],
  ['a size that is too small', archive(member('a', 'xyz', { size: '1' })), 'PK3301'],
  ['another filling', archive(Buffer.from(member('a').toString('latin1').replace(/\n$/, 'y'), 'latin1')), 'PK3301'],
  ['garbage behind', archive(member('a'), Buffer.from('garbage')), 'PK3301'],
  ['another magic', Buffer.concat([Buffer.from('!<thin>\n'), member('a')]), 'PK3301'],
  ['a debug archive', Buffer.concat([Buffer.from('!<bout>\n'), member('a')]), 'PK3301'],
];
