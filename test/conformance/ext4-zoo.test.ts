import { execFileSync, spawnSync } from 'node:child_process';
import { copyFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { byteString } from '../../src/base/byte-string.ts';
import type { Ext4Options } from '../../src/formats/ext4/options.ts';
import type { FileEntry } from '../../src/formats/file-tree.ts';
import { profiles, writeToFile } from '../formats/ext4.ts';
import { expectClean, expectTree, mounted, whyNoMount, whyNoTools } from '../formats/ext4-judges.ts';
import { acl, file, root, usual, xattr } from '../formats/file-trees.ts';

const [noTools, noMount] = [whyNoTools(), whyNoMount()];

let folder = '';
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'portkit-ext4-zoo-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

const directory = (path: string): FileEntry => ({ path: byteString(path), type: 'dir', ...usual });
const number = (at: number): string => String(at).padStart(6, '0');

/** What debugfs says to a command. */
function debugfs(image: string, command: string): string {
  return execFileSync('debugfs', ['-R', command, image], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe'],
    maxBuffer: 2 ** 26,
  });
}

async function clean(entries: readonly FileEntry[], options: Ext4Options): Promise<string> {
  const image = join(folder, 'image');
  rmSync(image, { force: true });
  await writeToFile(image, entries, options);
  expectClean(image);
  return image;
}

/** Faults of other writers, and places where structures change their form. */
const zoo: readonly [string, () => readonly FileEntry[]][] = [
  ['a tree of its root only', () => [root]],
  [
    'files of 4 and 5 extents, where the tree leaves the inode',
    () => [root, file('a', 8 * 4096, 'holes'), file('b', 10 * 4096, 'holes')],
  ],
  [
    '340 and 341 extents, where a second leaf begins',
    () => [root, file('a', 680 * 4096, 'holes'), file('b', 682 * 4096, 'holes')],
  ],
  [
    '1360 and 1361 extents, where a second level begins',
    () => [root, file('a', 2720 * 4096, 'holes'), file('b', 2722 * 4096, 'holes')],
  ],
  ['a file around a copy of the superblock', () => [root, file('large', 150_000_000, 'gaps'), file('z', 5000)]],
  [
    'a directory of 3000 entries',
    () => [root, directory('d'), ...Array.from({ length: 3000 }, (_, at) => file(`d/${number(at)}`, at % 2))],
  ],
  [
    'names that fill a directory block to its last byte',
    () => [root, ...Array.from({ length: 100 }, (_, at) => file(`${number(at)}${'x'.repeat((at * 37) % 249)}`))],
  ],
  ['a path of 100 directories', () => [root, ...Array.from({ length: 100 }, (_, at) => directory('d/'.repeat(at) + 'd'))]],
  [
    'a hard link to a symbolic link',
    () => [
      root,
      { path: byteString('a'), type: 'symlink', target: byteString('nowhere'), ...usual },
      { path: byteString('b'), type: 'hardlink', target: byteString('a') },
    ],
  ],
  [
    'short and long symbolic links with an attribute block',
    () =>
      [59, 60, 4095]
        .map((length): FileEntry => ({
          path: byteString(`l${number(length)}`),
          type: 'symlink',
          target: byteString('t'.repeat(length)),
          ...usual,
          xattrs: [xattr('trusted.x', Buffer.alloc(1000, 3))],
        }))
        .toSpliced(0, 0, root),
  ],
  [
    'an attribute block that has to be sorted, with empty and binary values',
    () => [
      root,
      {
        ...file('f'),
        xattrs: [
          xattr('security.a', Buffer.alloc(120, 1)),
          xattr('system.posix_acl_access', acl),
          xattr('trusted.a', Buffer.alloc(120, 0xff)),
          xattr('user.aa', Buffer.alloc(90, 2)),
          xattr('user.b', Buffer.alloc(0)),
          xattr('user.ccc', Buffer.alloc(3000, 4)),
          xattr('user.ä', Buffer.from([0, 255, 10])),
        ],
      },
      { ...directory('g'), xattrs: [xattr('system.posix_acl_default', acl)] } as FileEntry,
    ],
  ],
  [
    'lost+found with attributes and files of its own',
    () => [root, { ...directory('lost+found'), uid: 5 } as FileEntry, file('lost+found/#12', 9)],
  ],
];

/** A journal changes nothing of all this. */
describe.each(profiles.filter(({ journal }) => !journal))('a $profile image', (options) => {
  test.for(zoo)('of %s', async ([, entries], { skip }) => {
    if (noTools !== undefined) skip(noTools);
    const image = await clean(entries(), options);
    if (noMount === undefined) mounted(image, 'ro', (at) => expectTree(at, entries()));
  });

  test('of many entries, links and subdirectories', async ({ skip }) => {
    if (noTools !== undefined) skip(noTools);
    const many = Array.from({ length: 100_000 }, (_, at) => file(`many/${number(at)}`));
    const names = Array.from({ length: 64_999 }, (_, at): FileEntry => {
      return { path: byteString(`names/${number(at)}`), type: 'hardlink', target: byteString('file') };
    });
    const image = await clean([root, file('file', 1), directory('many'), ...many, directory('names'), ...names], options);
    expect(debugfs(image, 'stat /file')).toMatch(/Links: 65000 /);
    expect(debugfs(image, 'ls /many').match(/\d{6} {2}|\d{6}$/g)?.length ?? 0).toBeGreaterThan(99_000);
  });
});

describe.each(profiles)('a $profile image, journal $journal', (options) => {
  test('is left as it is by e2fsck -p, but for the counts of the superblock', async ({ skip }) => {
    if (noTools !== undefined) skip(noTools);
    const many = Array.from({ length: 3000 }, (_, at) => file(`d/${number(at)}`, at % 2));
    const image = await clean([root, directory('d'), ...many], { ...options, headroom: { bytes: 600_000_000 } });
    const copy = `${image}.p`;
    copyFileSync(image, copy);
    expect(spawnSync('e2fsck', ['-fp', copy]).status).toBe(0);
    const changed = spawnSync('cmp', ['-l', image, copy], { encoding: 'utf8' }).stdout.trim().split('\n');
    const inSuperblock = (at: number): boolean => at < 2048 || (at >= 32_768 * 4096 && at % (32_768 * 4096) < 1024);
    expect(changed.map((line) => Number.parseInt(line, 10) - 1).filter((at) => !inSuperblock(at))).toEqual([]);
  });

  test('of a terabyte is clean', async ({ skip }) => {
    if (noTools !== undefined) skip(noTools);
    await clean([root, file('a', 5000)], { ...options, headroom: { bytes: 2 ** 40 }, inodes: 100_000 });
  });

  test('without headroom takes the first new file', async ({ skip }) => {
    if (noTools !== undefined || noMount !== undefined) skip(noTools ?? noMount);
    const image = await clean([root, file('a', 1)], { ...options, headroom: { bytes: 0 } });
    mounted(image, 'rw', (at) => writeFileSync(join(at, 'new'), ''));
    expectClean(image);
  });

  test('has inodes that debugfs reads back', async ({ skip }) => {
    if (noTools !== undefined) skip(noTools);
    const mtime = { seconds: 2_208_988_800, nanos: 123_456_789 };
    const entries = [root, { ...file('a', 5000), mode: 0o6751, uid: 100_000, gid: 200_000, mtime } as FileEntry];
    const said = debugfs(await clean(entries, options), 'stat /a');
    expect(said).toMatch(/Type: regular +Mode: {2}06751 /);
    expect(said).toMatch(/User: 100000 +Group: 200000 .*Size: 5000\n/);
    expect(said).toMatch(/Blockcount: 16\n/);
    for (const time of ['ctime', 'atime', 'mtime', 'crtime']) expect(said).toContain(`${time}: 0x83aa7e80:1d6f3455 -- `);
  });

  test('has no external journal, and the journal it has is found', async ({ skip }) => {
    if (noTools !== undefined) skip(noTools);
    const said = execFileSync('dumpe2fs', ['-h', await clean([root], { ...options, label: 'boot' })], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    expect(said).not.toContain('Journal UUID');
    expect(said).toMatch(/^Filesystem volume name: {3}boot$/m);
    expect(/^Journal inode: +8$/m.test(said)).toBe(options.journal);
    expect(/^Total journal blocks: +1024$/m.test(said)).toBe(options.journal);
    const features = ['ext_attr', 'filetype', 'extent', 'flex_bg', 'sparse_super', 'large_file', 'extra_isize'];
    if (options.profile === 'csum') features.push('64bit', 'metadata_csum');
    if (options.journal) features.push('has_journal');
    expect(/^Filesystem features: +(.*)$/m.exec(said)?.[1]?.split(' ').toSorted()).toEqual(features.toSorted());
  });
});

test('more than 65,000 subdirectories are counted as the kernel does', async ({ skip }) => {
  if (noTools !== undefined) skip(noTools);
  const image = await clean([root, ...Array.from({ length: 65_010 }, (_, at) => directory(number(at)))], {});
  expect(debugfs(image, 'stat <2>')).toMatch(/Links: 1 /);
});

test('times from 2310 to 2378 are right on disk, though e2fsck takes them for times before 1970', async ({ skip }) => {
  if (noTools !== undefined || noMount !== undefined) skip(noTools ?? noMount);
  const entries = [root, { ...file('a'), mtime: { seconds: 11_000_000_000, nanos: 5 } } as FileEntry];
  const image = join(folder, 'late');
  await writeToFile(image, entries, {});
  mounted(image, 'ro', (at) => expectTree(at, entries));
  const { stdout } = spawnSync('e2fsck', ['-fn', image], { encoding: 'utf8' });
  expect(stdout.split('\n').filter((line) => !/^(?:Pass \d|$|.* blocks$)/.test(line))).toEqual([
    'Timestamp(s) on inode 12 beyond 2310-04-04 are likely pre-1970.',
    'Fix? no',
  ]);
});
