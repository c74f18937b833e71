import { longPaths, paths } from './case.ts';
import type { Case } from './case.ts';
import { archive, end, file, gnuLong, header, pax, record } from './tar-bytes.ts';
import type { Fields } from './tar-bytes.ts';

const badNumbers = [
  '12x',
  '8',
  '-1',
  '+1',
  '0x7',
  '1 2',
  '1\x002',
  '1.5',
  '\x80\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff',
  '\xfe',
];

function numbers(): readonly Case[] {
  const fields = ['mode', 'uid', 'gid', 'size', 'mtime', 'sum'] as const;
  const own = fields.flatMap((field) =>
    badNumbers.map((value): Case => [`${field} ${JSON.stringify(value)}`, archive(file({ [field]: value })), 'PK3301']),
  );
  const devices = (['major', 'minor'] as const).flatMap((field) =>
    badNumbers.map((value): Case => [
      `${field} ${JSON.stringify(value)}`,
      archive(header({ type: '3', [field]: value })),
      'PK3301',
    ]),
  );
  return [
    ...own,
    ...devices,
    ...(['mode', 'uid', 'gid', 'size', 'sum'] as const).map((field): Case => [
      `a negative ${field}`,
      archive(file({ [field]: '\xff'.repeat(8) })),
      'PK3301',
    ]),
    ['a time before 1970', archive(file({ mtime: '\xff'.repeat(12) })), 'file a=x'],
    ['a uid of 2^32', archive(file({ uid: '\x80\0\0\x01\0\0\0\0' })), 'PK3301'],
    ['a size of -1', archive(file({ size: '\xff'.repeat(12) })), 'PK3301'],
    ['a size of -2^63', archive(file({ size: '\xff\xff\xff\xff\x80\0\0\0\0\0\0\0' })), 'PK3301'],
    ['a size of 2^63', archive(file({ size: '\x80\0\0\0\x80\0\0\0\0\0\0\0' })), 'PK3301'],
    ['a size of 8 GiB', archive(file({ size: '77777777777' })), 'PK3301'],
    ['a size of 100 GiB', archive(file({ size: '\x80\0\0\0\0\0\0\x19\0\0\0\0' })), 'PK3303'],
  ];
}

function names(): readonly Case[] {
  return [
    ...paths.flatMap(([path, expected]): readonly Case[] => [
      [`the name ${JSON.stringify(path)}`, archive(file({ name: path })), expected],
      [`the GNU long name ${JSON.stringify(path)}`, archive(gnuLong(path), file({})), expected],
      [`the pax path ${JSON.stringify(path)}`, archive(pax(record(`path=${path}`)), file({})), expected],
    ]),
    ...longPaths.map(([what, path, fits]): Case => [what, archive(gnuLong(path), file({})), fits ? `file ${path}=x` : 'PK3302']),
    ['no name', archive(file({ name: '' })), 'PK3302'],
    ['a NUL byte in a name', archive(file({ name: 'a\0b' })), 'PK3301'],
    ['a NUL byte in a prefix', archive(file({ prefix: 'a\0b' })), 'PK3301'],
    ['.. in a prefix', archive(file({ prefix: '..' })), 'PK3302'],
    ['an absolute prefix', archive(file({ prefix: '/etc' })), 'PK3302'],
    ['a prefix in the GNU form', archive(file({ prefix: '/etc', magic: 'ustar  \0' })), 'file a=x'],
    ['a NUL byte in a GNU long name', archive(gnuLong('a\0b'), file({})), 'PK3301'],
    ['an empty GNU long name', archive(gnuLong(''), file({})), 'PK3301'],
    ['a NUL byte in a pax path', archive(pax(record('path=a\0b')), file({})), 'PK3301'],
    ['an empty pax path', archive(pax(record('path=')), file({})), 'PK3301'],
    ['a symlink without target', archive(header({ type: '2' })), 'PK3301'],
    ['a symlink to anywhere', archive(header({ type: '2', link: '/../etc' })), 'symlink a>/../etc'],
    ['a target of 4096 bytes', archive(gnuLong('t'.repeat(4096), 'K'), header({ type: '2' })), 'PK3301'],
    ['a file with a target', archive(file({ link: 'b' })), 'PK3301'],
    ['a directory with a target', archive(header({ type: '5', link: 'b' })), 'PK3301'],
  ];
}

const known: Readonly<Record<string, Fields>> = {
  file: { type: '0' },
  hardlink: { type: '1', link: 'target' },
  symlink: { type: '2', link: 'target' },
  char: { type: '3', major: '1', minor: '3' },
  block: { type: '4', major: '1', minor: '3' },
  dir: { type: '5' },
  fifo: { type: '6' },
};
const shown: Readonly<Record<string, string>> = {
  file: 'file a=',
  hardlink: 'hardlink a>target',
  symlink: 'symlink a>target',
  char: 'char a 1,3',
  block: 'block a 1,3',
  dir: 'dir a',
  fifo: 'fifo a',
};

const hard = (name: string, link: string): Buffer => header({ name, type: '1', link });

function types(): readonly Case[] {
  const all = Object.keys(known);
  const target = header({ name: 'target' });
  const unknown = ['7', '8', 'S', 'D', 'M', 'N', 'V', 'A', 'E', 'I', 'X', 'z', ' ', '\x01', '\xff'];
  return [
    ...unknown.map((type): Case => [`the type ${JSON.stringify(type)}`, archive(file({ type })), 'PK3302']),
    ...all.flatMap((first) =>
      all.map((second): Case => {
        const bytes = archive(target, header({ ...known[first] }), header({ ...known[second] }));
        const good = first === 'dir' && second === 'dir';
        return [`${first} and ${second} of one name`, bytes, good ? 'file target=; dir a; dir a' : 'PK3302'];
      }),
    ),
    ...all.map((type): Case => {
      const bytes = archive(target, header({ ...known[type] }), file({ name: 'a/b' }));
      return [`a file below a ${type}`, bytes, type === 'dir' ? 'file target=; dir a; file a/b=x' : 'PK3302'];
    }),
    ...all
      .filter((type) => type !== 'file')
      .flatMap((type): readonly Case[] => [
        [`a ${type} with a size`, archive(target, file({ ...known[type] })), 'PK3301'],
        [`a ${type} with a pax size`, archive(target, pax(record('size=1')), file({ ...known[type], size: '0' })), 'PK3301'],
      ]),
    ...all.map((type): Case => [`a ${type}`, archive(target, header({ ...known[type] })), `file target=; ${shown[type]}`]),
    ...['/', '../x', '/target', 'a//b', 'missing', 'a', ''].map((link): Case => {
      return [`a hard link to ${JSON.stringify(link)}`, archive(target, header({ type: '1', link })), 'PK3302'];
    }),
    ['a hard link to a directory', archive(header({ name: 'd/', type: '5' }), header({ type: '1', link: 'd' })), 'PK3302'],
    [
      'a hard link to a symlink',
      archive(header({ name: 's', type: '2', link: 'x' }), header({ type: '1', link: 's' })),
      'PK3302',
    ],
    ['a hard link before its file', archive(hard('a', 'b'), file({ name: 'b' })), 'file b=x; hardlink a>b'],
    [
      'links to a link before its file',
      archive(hard('c', 'a'), hard('d', 'c'), hard('a', 'b'), file({ name: 'b' }), hard('e', 'd')),
      'file b=x; hardlink a>b; hardlink c>a; hardlink d>c; hardlink e>d',
    ],
    ['hard links in a circle', archive(hard('a', 'b'), hard('b', 'a')), 'PK3302'],
    ['a hard link to itself and then a file of that name', archive(hard('a', 'a'), file({})), 'PK3302'],
    ['a hard link before a directory', archive(hard('a', 'b'), header({ name: 'b', type: '5' })), 'PK3302'],
    ['a hard link before a symlink', archive(hard('a', 'b'), header({ name: 'b', type: '2', link: 'x' })), 'PK3302'],
    ['a file below a hard link that waits', archive(hard('a', 'b'), file({ name: 'a/c' }), file({ name: 'b' })), 'PK3302'],
    ['a hard link that waits for what is below it', archive(hard('a', 'a/b'), file({ name: 'a/b' })), 'PK3302'],
    ['a file over a hard link that waits', archive(hard('a', 'b'), file({}), file({ name: 'b' })), 'PK3302'],
    ['a file where a directory is implied', archive(file({ name: 'd/f' }), file({ name: 'd' })), 'PK3302'],
  ];
}

function extensions(): readonly Case[] {
  const broken = [
    '0 path=a\n',
    '3 a\n',
    '99 path=a\n',
    '8 path=a',
    '7 path\n',
    '6 =a\n\n',
    ' 8 path=a\n',
    '08 path=a\n',
    '-8 path=a\n',
    '9999999999 a=b\n',
    'x',
    '\0\0\0',
    '8path=a\n',
  ];
  const values = [
    'size=-1',
    'size=1.0',
    'size=0x1',
    'size=1e3',
    'size=99999999999999999999',
    'size= 1',
    'size=',
    'uid=-1',
    'uid=4294967296',
    'gid=1x',
    'mtime=x',
    'mtime=1.2.3',
    'mtime=inf',
    'mtime=NaN',
    'mtime=--1',
    'SCHILY.devmajor=-1',
    'SCHILY.xattr.=1',
  ];
  const doubtful = [
    'GNU.sparse.major=1',
    'GNU.sparse.map=0,1',
    'GNU.sparse.size=5',
    'SCHILY.realsize=9',
    'SCHILY.acl.access=u',
    'SCHILY.filetype=door',
  ];
  const twoPaths = record('path=b') + record('path=c');
  return [
    ...broken.map((records): Case => [`the pax records ${JSON.stringify(records)}`, archive(pax(records), file({})), 'PK3301']),
    ...values.map((value): Case => [`the pax record ${JSON.stringify(value)}`, archive(pax(record(value)), file({})), 'PK3301']),
    ...doubtful.map((value): Case => [`the pax record ${value}`, archive(pax(record(value)), file({})), 'PK3302']),
    ['a pax key twice', archive(pax(twoPaths), file({})), 'PK3301'],
    ['a remark of pax', archive(pax(record('comment=x')), file({})), 'file a=x'],
    ['a pax path of digits', archive(pax(record('path=1234567')), file({})), 'file 1234567=x'],
    ['the pax path __proto__', archive(pax(record('__proto__=1')), file({})), 'file a=x'],
    ['a pax size that is not the size', archive(pax(record('size=2')), file({}, 'xy')), 'file a=xy'],
    [
      'a pax size over another one',
      archive(pax(record('size=513')), file({ size: '1' }, 'y'.repeat(513))),
      `file a=${'y'.repeat(513)}`,
    ],
    ['a pax header for a GNU long name', archive(pax(record('size=1024')), gnuLong('b'), file({})), 'PK3301'],
    ['a GNU long name and a pax header', archive(gnuLong('b'), pax(record('uid=1')), file({})), 'PK3301'],
    ['two pax headers', archive(pax(record('uid=1')), pax(record('uid=2')), file({})), 'PK3301'],
    ['two GNU long names', archive(gnuLong('b'), gnuLong('c'), file({})), 'PK3301'],
    ['a pax header of 2 MiB', archive(pax('x'.repeat(2 ** 21)), file({})), 'PK3303'],
    ['a GNU long name of 2 MiB', archive(gnuLong('x'.repeat(2 ** 21)), file({})), 'PK3303'],
    ['a pax header at the end', archive(pax(record('path=b'))), 'PK3301'],
    ['a GNU long name at the end', archive(gnuLong('b')), 'PK3301'],
    ['a GNU long target of a file', archive(gnuLong('b', 'K'), file({})), 'PK3301'],
    ['a path for all entries', archive(pax(record('path=b'), 'g'), file({})), 'PK3302'],
    ['a size for all entries', archive(pax(record('size=9'), 'g'), file({})), 'PK3302'],
    ['a remark for all entries', archive(pax(record('comment=b'), 'g'), file({})), 'file a=x'],
    ['a negative size of a pax header', archive(header({ type: 'x', size: '\xff'.repeat(12) }), file({})), 'PK3301'],
  ];
}

function frames(): readonly Case[] {
  const good = archive(file({}, 'hello'));
  const cuts = [0, 1, 100, 511, 512, 514, 517, 1000, 1023, 1024, 1500, 1536 /* one block of zeros */, 1700];
  return [
    ...cuts.map((at): Case => [`cut at ${at}`, good.subarray(0, at), 'PK3301']),
    ['an entry behind the end', Buffer.concat([good, file({ name: 'b' })]), 'PK3301'],
    ['one byte behind the end', Buffer.concat([good, Buffer.from('x')]), 'PK3301'],
    ['an entry behind one block of zeros', archive(file({}), Buffer.alloc(512), file({ name: 'b' })), 'PK3301'],
    ['zeros behind the end', Buffer.concat([good, Buffer.alloc(10_240)]), 'file a=hello'],
    ['nothing but the end', end, ''],
    ['a wrong checksum', archive(file({ sum: '000001\0 ' })), 'PK3301'],
    ['no checksum', archive(file({ sum: '        ' })), 'PK3301'],
    ['an unknown variant', archive(file({ magic: 'ustar\x0099' })), 'PK3301'],
    ['another magic', archive(file({ magic: 'USTAR\x0000' })), 'PK3301'],
    ['the oldest form', archive(file({ magic: '\0'.repeat(8) })), 'file a=x'],
    ['a device in the oldest form', archive(header({ type: '3', magic: '\0'.repeat(8) })), 'PK3301'],
    ['what is no tar', Buffer.alloc(2048, 'text '), 'PK3301'],
  ];
}

/** Everything about tar. */
export const tarCases: readonly Case[] = [...numbers(), ...names(), ...types(), ...extensions(), ...frames()];
