import { createHash } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { byteString, fromBytes } from '../../base/byte-string.ts';
import { PortkitError } from '../../base/errors.ts';
import { bytesOf, contentName, dataRangesOf, namedContents } from '../../../test/formats/contents.ts';
import { profiles, writeToMemory } from '../../../test/formats/ext4.ts';
import { acl, capability, file, root, usual, xattr } from '../../../test/formats/file-trees.ts';
import type { Contents, FileAttributes, FileEntry } from '../file-tree.ts';
import { superblock } from './disk/superblock.ts';
import { findData } from './holes.ts';
import { planExt4 } from './plan.ts';
import type { Ext4Options } from './options.ts';
import { writeExt4 } from './write.ts';

const { signal } = new AbortController();

/** Some of everything, as the golden digests have it. */
const zoo: readonly FileEntry[] = [
  { path: byteString(''), type: 'dir', ...usual, mtime: { seconds: 1_700_000_000, nanos: 1 } },
  file('a', 5000),
  { path: byteString('b'), type: 'hardlink', target: byteString('a') },
  { path: byteString('c'), type: 'symlink', target: byteString('a'.repeat(59)), ...usual },
  { path: byteString('d'), type: 'symlink', target: byteString('a'.repeat(60)), ...usual },
  { path: byteString('e'), type: 'char', major: 1, minor: 3, ...usual },
  { path: byteString('f'), type: 'block', major: 259, minor: 70_000, ...usual },
  { path: byteString('g'), type: 'fifo', ...usual },
  { path: byteString('h'), type: 'socket', ...usual },
  { ...file('i', 100_000, 'gaps'), ...usual, mode: 0o6755, uid: 100_000, gid: 4_000_000_000 },
  { ...file('j', 60_000, 'holes'), mtime: { seconds: 2_208_988_800, nanos: 123_456_789 } },
  {
    ...file('k'),
    xattrs: [
      xattr('security.capability', capability),
      xattr('system.posix_acl_access', acl),
      xattr('user.x', Buffer.alloc(1000, 7)),
    ],
  },
  { path: byteString('l'), type: 'dir', ...usual },
  ...Array.from({ length: 400 }, (_, at) => file(`l/${String(at).padStart(30, '0')}`, at % 3)),
  file(`l/${'ü'.repeat(100)}`, 1),
  { path: fromBytes(Buffer.from([0xff, 0xfe])), type: 'dir', ...usual },
];

/** What these change with is a new format: images made before and after differ. */
const golden: Readonly<Record<string, string>> = {
  plain: '57b99735579c3723d9093bb47cdba9bf9c79ac0abc9f51aeec26c9a938e78dd0',
  csum: '3dfca184a256213f72b33774bd387e30e3d6d55cc49a4b45150d56f349e24962',
  'plain+journal': '90651da0a2d42631cc5c4c9f31ca848105675e558377691a5aac13f12b6b948b',
  'csum+journal': 'cc54e3a628bc1011f32af9134ed282c6a6c1fab9fadd4dc339b6fb6c8b348b9c',
};

describe('the bytes', () => {
  test.each(profiles)('of $profile, journal $journal, are the same everywhere', async (options) => {
    const image = await writeToMemory(zoo, { ...options, label: 'zoo' });
    const digest = createHash('sha256').update(image).digest('hex');
    expect(digest).toBe(golden[`${options.profile}${options.journal ? '+journal' : ''}`]);
  });

  test('do not depend on how content is named or comes in pieces', async () => {
    const renamed = zoo.map((entry) => (entry.type === 'file' ? { ...entry, content: `elsewhere/${entry.content}` } : entry));
    const plan = planExt4(renamed, { dataRanges: (name) => dataRangesOf(name.slice('elsewhere/'.length)) });
    const bytes = Buffer.alloc(plan.size);
    const contents: Contents = {
      async *open(name) {
        const opened = namedContents.open(name.slice('elsewhere/'.length), signal);
        const whole = opened instanceof Uint8Array ? opened : Buffer.concat(await Array.fromAsync(opened));
        for (let at = 0; at < whole.length; at += 1111) yield whole.subarray(at, at + 1111);
      },
    };
    const image = { setSize: () => undefined, write: (part: Uint8Array, at: number) => bytes.set(part, at) };
    await writeExt4(plan, { contents, image }, signal);
    expect(bytes.equals(await writeToMemory(zoo, {}))).toBe(true);
  });

  test('of the UUID depend on every attribute, on the options and on the identity', () => {
    const uuid = (entries: readonly FileEntry[], options: Ext4Options = {}): string =>
      planExt4(entries, options).identity.uuid.toString('hex');
    const base = [root, file('a', 1)];
    const others = [
      [[root, file('b', 1)], {}],
      [[root, file('a', 2)], {}],
      [[root, { ...file('a', 1), uid: 1 }], {}],
      [[root, { ...file('a', 1), xattrs: [xattr('user.a', Buffer.alloc(1))] }], {}],
      [base, { profile: 'csum' }],
      [base, { label: 'x' }],
      [base, { identity: 'sha256:0' }],
    ] satisfies [FileEntry[], Ext4Options][];
    expect(new Set([uuid(base), ...others.map(([entries, options]) => uuid(entries, options))]).size).toBe(others.length + 1);
    expect(uuid(base, { identity: 'sha256:0' })).toBe(uuid([root], { identity: 'sha256:0' }));
    const given = planExt4(base, { uuid: '01234567-89AB-cdef-0123-456789abcdef' }).identity.uuid;
    expect(given.toString('hex')).toBe('0123456789abcdef0123456789abcdef');
  });

  test('name the image and its seed where they are given, and no external journal', async () => {
    const uuid = '11111111-2222-3333-4444-555555555555';
    const image = await writeToMemory([root], { uuid, hashSeed: uuid, label: 'boot', journal: true });
    const at = (offset: number, length = 16): string => image.toString('hex', 1024 + offset, 1024 + offset + length);
    expect(at(superblock.uuid)).toBe(uuid.replaceAll('-', ''));
    expect(at(superblock.hashSeed)).toBe(uuid.replaceAll('-', ''));
    expect(at(superblock.volumeName, 5)).toBe(Buffer.from('boot\0').toString('hex'));
    expect(at(superblock.journalUuid)).toBe('0'.repeat(32));
  });

  test('that are zero become holes of the files where they are looked for', async () => {
    const entries = [
      root,
      file('data', 50_000),
      file('gaps', 500_000, 'gaps'),
      file('large', 900_001, 'gaps'),
      file('zeros', 9000, 'zeros'),
    ];
    const dataRanges = await findData(entries, namedContents, signal);
    expect(dataRanges(contentName('data', 50_000))).toBeUndefined();
    expect(dataRanges(contentName('zeros', 9000))).toEqual([]);
    for (const name of [contentName('gaps', 500_000), contentName('gaps', 900_001)]) {
      const bytes = bytesOf(name);
      const rebuilt = Buffer.alloc(bytes.length);
      const ranges = dataRanges(name) ?? [];
      for (const { start, end } of ranges) bytes.copy(rebuilt, start, start, end);
      expect(rebuilt.equals(bytes)).toBe(true);
      for (const { start, end } of ranges)
        for (let at = start; at < end; at += 4096) expect(bytes.subarray(at, at + 4096).some(Boolean)).toBe(true);
    }
    const plain = planExt4(entries).layout.end;
    expect(planExt4(entries, { dataRanges }).layout.end).toBeLessThan(plain - 150);
    await writeToMemory(entries, { dataRanges });
  });

  test('that are zero are never written', async () => {
    const plan = planExt4([root, file('zeros', 40_960, 'zeros'), file('gaps', 409_600, 'gaps')].toSorted(byPath));
    const image = {
      setSize: () => undefined,
      write(part: Uint8Array, position: number) {
        for (let at = 0; at < part.length; at += 4096 - ((position + at) % 4096)) {
          const block = part.subarray(at, at + 4096 - ((position + at) % 4096));
          expect(block.some((byte) => byte !== 0)).toBe(true);
        }
      },
    };
    await writeExt4(plan, { contents: namedContents, image }, signal);
  });
});

const byPath = (a: FileEntry, b: FileEntry): number => (a.path < b.path ? -1 : 1);

/** The code and the words of what is thrown. */
function refusal(work: () => unknown): string {
  try {
    work();
  } catch (error) {
    if (error instanceof PortkitError) return `${error.code} ${error.message}`;
    throw error;
  }
  return 'not refused';
}

describe('refused, by its path', () => {
  const odd = (attributes: Partial<FileAttributes>): readonly FileEntry[] => [root, { ...file('x'), ...attributes }];
  const link = (target: string): readonly FileEntry[] => [
    root,
    { path: byteString('x'), type: 'symlink', target: byteString(target), ...usual },
  ];
  const node = (major: number, minor: number): readonly FileEntry[] => [
    root,
    { path: byteString('x'), type: 'char', major, minor, ...usual },
  ];
  test.each<[string, readonly FileEntry[]]>([
    ['a tree without root', []],
    ['a name of 256 bytes', [root, file('x'.repeat(256))]],
    ['a name ..', [root, file('..')]],
    ['an empty name', [root, { path: byteString('x'), type: 'dir', ...usual }, file('x/')]],
    ['a path twice', [root, file('x'), file('x')]],
    ['names out of order', [root, file('y'), file('x')]],
    ['a path without its directory', [root, file('x/y')]],
    ['a path through a link', [root, ...link('y').slice(1), file('x/y')]],
    ['a hard link to nothing', [root, { path: byteString('x'), type: 'hardlink', target: byteString('y') }]],
    ['a hard link to something later', [root, { path: byteString('x'), type: 'hardlink', target: byteString('y') }, file('y')]],
    [
      'a hard link to a directory',
      [
        root,
        { path: byteString('d'), type: 'dir', ...usual },
        { path: byteString('x'), type: 'hardlink', target: byteString('d') },
      ],
    ],
    ['lost+found as a file', [root, file('lost+found')]],
    ['a file of more than 2 TiB', [root, file('x', 2 ** 41 + 1)]],
    ['a file of exactly 2 TiB, whose blocks cannot be counted', [root, file('x', 2 ** 41)]],
    ['a negative size', [root, file('x', -1)]],
    ['a link to nowhere', link('')],
    ['a link of 4096 bytes', link('x'.repeat(4096))],
    ['a link with a NUL byte', link('a\0b')],
    ['a device of 13 bits', node(4096, 0)],
    ['a device of 21 bits', node(0, 2 ** 20)],
    ['a mode of more than 12 bits', odd({ mode: 0o10000 })],
    ['an owner of more than 32 bits', odd({ uid: 2 ** 32 })],
    ['a time before 1901', odd({ mtime: { seconds: -(2 ** 31) - 1, nanos: 0 } })],
    ['a time after 2446', odd({ mtime: { seconds: 2 ** 31 + 3 * 2 ** 32, nanos: 0 } })],
    ['a second of nanoseconds', odd({ mtime: { seconds: 0, nanos: 1e9 } })],
    ['an attribute larger than a block', odd({ xattrs: [xattr('user.x', Buffer.alloc(4096))] })],
    [
      'attributes larger than a block together',
      odd({ xattrs: ['a', 'b'].map((one) => xattr(`user.${one}`, Buffer.alloc(2100))) }),
    ],
    ['an attribute of an unknown kind', odd({ xattrs: [xattr('system.data', Buffer.alloc(1))] })],
    ['an attribute without a name', odd({ xattrs: [xattr('user.', Buffer.alloc(1))] })],
    ['an attribute twice', odd({ xattrs: ['x', 'x'].map((one) => xattr(`user.${one}`, Buffer.alloc(1))) })],
    ['an ACL that is none', odd({ xattrs: [xattr('system.posix_acl_access', Buffer.alloc(5))] })],
  ])('%s', (_what, entries) => {
    expect(refusal(() => planExt4(entries))).toMatch(
      /^PK3501 "\/(?:x+|lost\+found|\.\.|x\/y?)?" cannot be written to an ext4 image: /,
    );
  });

  test('a file with 65,001 names; 65,000 are held', () => {
    const links = Array.from({ length: 65_000 }, (_, at) => ({
      path: byteString(`y${String(at).padStart(5, '0')}`),
      type: 'hardlink' as const,
      target: byteString('x'),
    }));
    expect(planExt4([root, file('x'), ...links.slice(1)]).nodes[2]?.links).toBe(65_000);
    expect(refusal(() => planExt4([root, file('x'), ...links]))).toMatch(/^PK3501 "\/y64999"/);
  });

  test.each<Ext4Options>([
    { size: 4097 },
    { size: -4096 },
    { size: 2 ** 45 },
    { headroom: { bytes: -1 } },
    { headroom: { percent: 0.5 } },
    { size: 8192, headroom: { bytes: 0 } },
    { inodes: 1.5 },
    { inodeHeadroom: -1 },
    { label: 'ü'.repeat(9) },
    { label: 'a\0' },
    { uuid: '1234' },
    { hashSeed: 'g1111111-2222-3333-4444-555555555555' },
  ])('option %o', (options) => {
    expect(refusal(() => planExt4([root], options))).toMatch(/^PK3502 /);
  });
});

describe('the size', () => {
  const many: readonly FileEntry[] = [root, ...Array.from({ length: 2000 }, (_, at) => file(`f${at}`, 10_000))].toSorted(byPath);

  test.each([...profiles, { inodes: 5000 }, { inodeHeadroom: 40_000 }])(
    'with %o that is refused names the least, which works',
    (options) => {
      const words = refusal(() => planExt4(many, { ...options, size: 4096 * 70 }));
      const least = Number(/^PK3503 .* at least (\d+) bytes/.exec(words)?.[1]);
      expect(planExt4(many, { ...options, size: least }).size).toBe(least);
      expect(refusal(() => planExt4(many, { ...options, size: least - 4096 }))).toBe(
        words.replace(`${4096 * 70} were`, `${least - 4096} were`),
      );
    },
  );

  test('is the least and the headroom, in bytes or percent', () => {
    const end = (options: Ext4Options): { end: number; size: number } => {
      const { layout, size } = planExt4(many, options);
      return { end: layout.end * 4096, size };
    };
    const bytes = end({ headroom: { bytes: 50_000_000 } });
    expect(bytes.size - bytes.end).toBeGreaterThanOrEqual(50_000_000);
    expect(bytes.size - bytes.end).toBeLessThan(50_010_000);
    const percent = end({ headroom: { percent: 50 } });
    expect(percent.size - percent.end).toBeGreaterThanOrEqual(percent.end / 2);
    const exact = planExt4(many, { size: 2 ** 30 });
    expect(exact.size).toBe(2 ** 30);
    expect(exact.layout.geometry.blocks).toBe(2 ** 18);
  });

  test('leaves out a last group that is too short to be of use', () => {
    const { size, layout } = planExt4([root], { size: 2 ** 27 + 4096 * 10 });
    expect([size, layout.geometry.blocks]).toEqual([2 ** 27 + 4096 * 10, 2 ** 15]);
  });

  test('of inodes is at least what was asked for, and refused below what is needed', () => {
    const free = (options: Ext4Options): number => {
      const { geometry } = planExt4(many, options).layout;
      return geometry.groups * geometry.inodesPerGroup - many.length - 10;
    };
    expect(free({ inodeHeadroom: 100_000 })).toBeGreaterThanOrEqual(100_000);
    expect(free({})).toBeGreaterThanOrEqual(many.length / 4);
    expect(free({ inodes: 2012 })).toBeLessThan(16);
    expect(refusal(() => planExt4(many, { inodes: 2010 }))).toMatch(/^PK3503 The tree needs 2011 inodes; 2010 were asked for/);
  });
});

describe('content that is not as planned', () => {
  const written = (content: Contents['open'], size = 5000, ranges?: readonly { start: number; end: number }[]): Promise<void> => {
    const plan = planExt4([root, file('x', size)], { dataRanges: () => ranges });
    const image = { setSize: () => undefined, write: () => undefined };
    return writeExt4(plan, { contents: { open: content }, image }, signal);
  };
  const inPieces = (...pieces: readonly Uint8Array[]): AsyncIterable<Uint8Array> => ReadableStream.from(pieces);

  test.each<[string, () => Promise<void>]>([
    ['too short', () => written(() => Buffer.alloc(4999, 1))],
    ['too long', () => written(() => Buffer.alloc(5001, 1))],
    ['too short in pieces', () => written(() => inPieces(Buffer.alloc(4999)))],
    ['too long in pieces', () => written(() => inPieces(Buffer.alloc(5000), Buffer.alloc(1)))],
    ['data in a hole', () => written(() => Buffer.alloc(20_000, 1), 20_000, [{ start: 4096, end: 8192 }])],
    [
      'data in a hole at the end',
      () => written(() => inPieces(Buffer.alloc(8192), Buffer.from([1])), 8193, [{ start: 0, end: 4096 }]),
    ],
  ])('is refused: %s', async (_what, work) => {
    await expect(work()).rejects.toThrow(expect.objectContaining({ code: 'PK3504', message: expect.stringContaining('"/x"') }));
  });

  test('stops when it is cancelled', async () => {
    const cancelling = new AbortController();
    const plan = planExt4([root, file('x', 2 ** 40)]);
    const contents: Contents = {
      async *open() {
        for (let count = 0; ; count += 1) {
          if (count === 3) cancelling.abort(new PortkitError('PK9001', 'Cancelled'));
          await Promise.resolve();
          yield Buffer.alloc(4096, 1);
        }
      },
    };
    const image = { setSize: () => undefined, write: () => undefined };
    await expect(writeExt4(plan, { contents, image }, cancelling.signal)).rejects.toThrow('Cancelled');
  });

  test('ranges that go back are refused', () => {
    const dataRanges = (): { start: number; end: number }[] => [
      { start: 40_960, end: 45_056 },
      { start: 0, end: 4096 },
    ];
    expect(
      refusal(() => planExt4([root, { ...file('x', 50_000), content: contentName('data', 50_000) }], { dataRanges })),
    ).toMatch(/^PK3501 "\/x"/);
  });
});
