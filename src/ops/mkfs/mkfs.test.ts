import { execFileSync, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { chmodSync, createWriteStream, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { bytesOf, contentName, namedContents } from '../../../test/formats/contents.ts';
import { expectTree, mountedAs, whyNoMount } from '../../../test/formats/ext4-judges.ts';
import { capability, file, root, usual, xattr } from '../../../test/formats/file-trees.ts';
import { signal } from '../../../test/ops/world.ts';
import { byteString, fromBytes } from '../../base/byte-string.ts';
import type { FileEntry } from '../../formats/file-tree.ts';
import { runProgram } from '../run-program.ts';
import { piecesOf } from '../scratch-file.ts';
import { erofsTool, makeErofs } from './erofs.ts';
import type { MadeImage } from './program.ts';
import { makeSquashfs, squashfsTool } from './squashfs.ts';
import { makeVfat, vfatTool } from './vfat.ts';
import type { VfatOptions } from './vfat.ts';

const folder = mkdtempSync(join(tmpdir(), 'portkit-mkfs-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const usualPath = process.env['PATH'] ?? '';
const has = (program: string): boolean => spawnSync(program, ['--help'], { stdio: 'ignore' }).error === undefined;
const worldOf = (path: string) => ({ run: runProgram, path, scratch: folder });
const world = worldOf(usualPath);
const squashfsNotes = has('mksquashfs') ? await squashfsTool(world, signal) : undefined;
const erofs = has('mkfs.erofs') ? await erofsTool(world, signal) : undefined;

const at = (path: string) => ({ ...usual, path: byteString(path) });
const long = byteString(`long${'ü'.repeat(125)}`);
const simple: readonly FileEntry[] = [
  { ...root, mode: 0o711, mtime: { seconds: 77, nanos: 0 } },
  { ...at('a'), type: 'dir', mode: 0o1755 },
  { ...file('a/# "x\\ y'), mode: 0o4755 },
  file('a/big', 3_000_001),
  { ...file('a/small', 5), mtime: { seconds: 0, nanos: 0 } },
  { ...at('a/z'), type: 'hardlink', target: byteString('a/# "x\\ y') },
  { ...file('gaps'), size: 500_000, content: contentName('gaps', 500_000) },
  { ...at('link'), type: 'symlink', target: byteString('a/ b'), mode: 0o777 },
  { ...file(''), path: long },
  { ...file('x', 1), path: fromBytes(Buffer.from([0xff, 0xa0, 0x85])) },
];
const owners = simple.map((entry, place): FileEntry =>
  place % 2 === 0 && entry.type !== 'hardlink' ? { ...entry, uid: 70_000, gid: 2 ** 32 - 2 } : entry,
);
const sorted = (entries: readonly FileEntry[]) => entries.toSorted((a, b) => (a.path < b.path ? -1 : 1));
const devices = sorted([
  ...owners,
  { ...at('y1'), type: 'char', major: 5, minor: 300 },
  { ...at('y2'), type: 'block', major: 253, minor: 70_000 },
  { ...at('y3'), type: 'fifo' },
]);
const socket: FileEntry = { ...at('y4'), type: 'socket' };
const labelled = devices.map((entry): FileEntry => {
  if (entry.type !== 'file' && entry.type !== 'dir') return entry;
  return { ...entry, xattrs: [xattr('security.capability', capability), xattr('user.long', Buffer.alloc(20_000, 7))] };
});
const treeOf = (entries: readonly FileEntry[]) => ({ entries, contents: namedContents });

type Maker = (entries: readonly FileEntry[], path?: string) => Promise<MadeImage>;
const squashfs: Maker = (entries, path = usualPath) => makeSquashfs(treeOf(entries), {}, { world: worldOf(path), signal });
const erofsOf: Maker = (entries, path = usualPath) =>
  makeErofs(treeOf(entries), { identity: 'tree' }, { world: worldOf(path), signal });

async function saved(made: Promise<MadeImage>, name: string): Promise<string> {
  using image = await made;
  await pipeline(piecesOf(image.fd), createWriteStream(join(folder, name)));
  return join(folder, name);
}

async function digest(made: Promise<MadeImage>): Promise<string> {
  using image = await made;
  const hash = createHash('sha256');
  for await (const bytes of piecesOf(image.fd)) hash.update(bytes);
  return hash.digest('hex');
}

/** The same tree, made anew elsewhere by someone with another umask. */
async function sameBytes(make: Maker, entries: readonly FileEntry[]): Promise<void> {
  const first = await digest(make(entries));
  const before = process.umask(0o077);
  try {
    await new Promise((resolve) => setTimeout(resolve, 1100));
    expect(await digest(make(entries))).toBe(first);
  } finally {
    process.umask(before);
  }
  const other = entries.map((entry): FileEntry =>
    entry.type === 'file' ? { ...entry, mtime: { seconds: 9, nanos: 0 } } : entry,
  );
  expect(await digest(make(other))).not.toBe(first);
}

const noMount = whyNoMount();
const mounts = (type: string): boolean => noMount === undefined && readFileSync('/proc/filesystems', 'latin1').includes(type);

describe.skipIf(squashfsNotes === undefined)('squashfs', () => {
  const new46 = Number(/version \d+\.(\d+)/.exec(squashfsNotes ?? '')?.[1]) >= 6;

  test('unsquashfs finds every byte', async () => {
    const image = await saved(squashfs(simple), 'simple.squashfs');
    const listed = execFileSync('unsquashfs', ['-lln', image], { encoding: 'latin1', env: { PATH: usualPath, TZ: 'UTC' } });
    expect(listed).toMatch(/^drwx--x--x 0\/0 .* 1970-01-01 00:01 squashfs-root\n/);
    execFileSync('unsquashfs', ['-d', join(folder, 'out'), '-no-xattrs', image], { stdio: 'ignore' });
    for (const entry of simple.filter(({ path }) => /^[a-z/]+$/.test(path)))
      if (entry.type === 'file')
        expect(readFileSync(join(folder, 'out', entry.path)).equals(bytesOf(entry.content)), entry.path).toBe(true);
    expect(readFileSync(join(folder, 'out/a/# "x\\ y'))).toHaveLength(0);
  });

  test.skipIf(!mounts('squashfs'))('the kernel sees the tree', async () => {
    const entries = sorted([...devices, socket]);
    const image = await saved(squashfs(entries), 'full.squashfs');
    mountedAs({ image, how: 'ro', type: 'squashfs' }, (place) => expectTree(place, entries));
    if (!new46) return;
    const more = await saved(squashfs(labelled), 'labelled.squashfs');
    mountedAs({ image: more, how: 'ro', type: 'squashfs' }, (place) => expectTree(place, labelled));
  });

  test('is always the same', () => sameBytes(squashfs, devices));

  test('every compression is another image of the same tree', async () => {
    const all = (['gzip', 'zstd', 'xz', 'lz4'] as const).map(
      async (compress) => await digest(makeSquashfs(treeOf(simple), { compress }, { world, signal })),
    );
    expect(new Set(await Promise.all(all)).size).toBe(4);
  });

  test('refuses what it would lose', async () => {
    const refused: readonly FileEntry[] = [
      file('line\nbreak'),
      { ...at('s'), type: 'symlink', target: byteString(' a') },
      { ...at('s'), type: 'symlink', target: byteString('a\\') },
      { ...at('s'), type: 'symlink', target: byteString('a\nb') },
      { ...at('c'), type: 'char', major: 4096, minor: 0 },
      { ...at('c'), type: 'block', major: 0, minor: 2 ** 20 },
    ];
    for (const entry of refused) await expect(squashfs([root, entry])).rejects.toMatchObject({ code: 'PK3955' });
    const nameless = [xattr('system.x', capability), xattr('user.=', capability), xattr('user.a', Buffer.of())];
    for (const one of nameless)
      await expect(squashfs([root, { ...file('f'), xattrs: [one] }])).rejects.toMatchObject({ code: 'PK3955' });
    if (!new46) await expect(squashfs(labelled)).rejects.toMatchObject({ code: 'PK3955' });
    const wrong = { ...file('short'), size: 7 };
    await expect(squashfs([root, wrong])).rejects.toMatchObject({ code: 'PK2101' });
  });
});

describe.skipIf(erofs === undefined)('erofs', () => {
  test.skipIf(!mounts('erofs'))('the kernel sees the tree', async () => {
    const entries = erofs?.readsTar === true ? labelled : simple;
    const image = await saved(erofsOf(entries), 'one.erofs');
    mountedAs({ image, how: 'ro', type: 'erofs' }, (place) => expectTree(place, entries));
    const compressed = makeErofs(treeOf(simple), { compress: 'lz4hc', identity: '' }, { world, signal });
    mountedAs({ image: await saved(compressed, 'two.erofs'), how: 'ro', type: 'erofs' }, (place) => expectTree(place, simple));
  });

  test.skipIf(!has('fsck.erofs'))('fsck.erofs finds nothing', async () => {
    const image = await saved(erofsOf(simple), 'checked.erofs');
    expect(spawnSync('fsck.erofs', [image], { encoding: 'utf8' })).toMatchObject({ status: 0 });
  });

  test('is always the same', () => sameBytes(erofsOf, erofs?.readsTar === true ? labelled : simple));

  test('has the UUID that was given, or one of its tree', async () => {
    const uuid = '01234567-89ab-cdef-0123-456789abcdef';
    const given = await saved(makeErofs(treeOf(simple), { uuid, identity: '' }, { world, signal }), 'uuid.erofs');
    expect(readFileSync(given).toString('hex', 1024 + 48, 1024 + 64)).toBe(uuid.replaceAll('-', ''));
    const others = ['a', 'b'].map((identity) => digest(makeErofs(treeOf(simple), { identity }, { world, signal })));
    expect(new Set(await Promise.all(others)).size).toBe(2);
  });

  test.skipIf(erofs?.readsTar === true)('an old one is not told what it would lose', async () => {
    const mtime = { seconds: 1_600_000_000, nanos: 1 };
    for (const entries of [
      owners,
      labelled,
      [root, socket],
      [root, { ...file('f'), mtime }],
      [root, file('n'.repeat(255))],
      [root, file('lost+found')],
    ])
      await expect(erofsOf(entries)).rejects.toMatchObject({ code: 'PK3955' });
  });

  test('a socket has no place in a tar', async ({ skip }) => {
    skip(erofs?.readsTar !== true, 'this mkfs.erofs reads no tar: it is given a folder, which has sockets');
    await expect(erofsOf([root, socket])).rejects.toMatchObject({ code: 'PK3952' });
  });
});

const esp: readonly FileEntry[] = [
  root,
  { ...at('EFI'), type: 'dir' },
  { ...at('EFI/BOOT'), type: 'dir' },
  file('EFI/BOOT/BOOTX64.EFI', 3_000_001),
  { ...at('EFI/BOOT/again.efi'), type: 'hardlink', target: byteString('EFI/BOOT/BOOTX64.EFI') },
  { ...at('EFI/BOOT/empty.d'), type: 'dir' },
  file('EFI/BOOT/grub (x) and a long name.cfg', 40_000),
  file('-i', 1),
  file('empty'),
];
const vfat = (entries: readonly FileEntry[], options: VfatOptions = {}, path = usualPath) =>
  makeVfat(treeOf(entries), options, { world: worldOf(path), signal });

describe.skipIf(!has('mformat'))('vfat', () => {
  test.each([undefined, 40 * 2 ** 20, 300 * 2 ** 20])('mtools and fsck.vfat find every byte: %s', async (size) => {
    using made = await vfat(esp, { ...(size !== undefined && { size }), label: 'PORTKIT' });
    const image = `/proc/${process.pid}/fd/${made.fd}`;
    for (const entry of esp)
      if (entry.type === 'file') {
        const read = execFileSync('mcopy', ['-i', image, `::/${entry.path}`, '-'], { maxBuffer: 2 ** 24 });
        expect(read.equals(bytesOf(entry.content)), entry.path).toBe(true);
      }
    const again = execFileSync('mcopy', ['-i', image, '::/EFI/BOOT/again.efi', '-'], { maxBuffer: 2 ** 24 });
    expect(again).toHaveLength(3_000_001);
    const listed = execFileSync('mdir', ['-i', image, '-b', '-/', '-a', '::'], { encoding: 'utf8', env: { PATH: usualPath } });
    const paths = listed
      .trim()
      .split('\n')
      .map((line) => line.replace(/^::\/|\/$/g, ''));
    expect(paths.toSorted()).toEqual(
      esp
        .map(({ path }) => path as string)
        .filter((path) => path !== '')
        .toSorted(),
    );
    expect(execFileSync('mdir', ['-i', image, '::'], { encoding: 'utf8' })).toMatch(/is PORTKIT[^]*1980-01-01 +0:00/);
    if (has('fsck.vfat')) expect(spawnSync('fsck.vfat', ['-n', image], { encoding: 'utf8' })).toMatchObject({ status: 0 });
  });

  test('is always the same', async () => {
    const first = await digest(vfat(esp, { mtime: 2 ** 30 }));
    const zone = process.env['TZ'];
    process.env['TZ'] = 'Asia/Tokyo';
    await new Promise((resolve) => setTimeout(resolve, 2100));
    expect(await digest(vfat(esp, { mtime: 2 ** 30 }))).toBe(first);
    process.env['TZ'] = zone;
    const others = [
      {},
      { mtime: 2 ** 30, serial: '12345678' },
      { mtime: 2 ** 30, identity: 'x' },
      { mtime: 2 ** 30, label: 'A' },
    ];
    for (const options of others) expect(await digest(vfat(esp, options))).not.toBe(first);
  });

  test('is as large as it has to be', async () => {
    const many = Array.from({ length: 120 }, (_, at) => file(`d/${at}, a long name of a file`, (at * 977) % 9000));
    const image = await saved(vfat([root, { ...at('d'), type: 'dir' }, ...sorted(many)]), 'many.vfat');
    expect(readFileSync(image).length).toBe(2 ** 20);
    await expect(vfat(esp, { size: 2 ** 21 })).rejects.toMatchObject({ code: 'PK3956' });
    // The root of a small FAT has a fixed size, 512 names unless told.
    const flat = Array.from({ length: 600 }, (_, at) => file(`${at}.efi`, at % 3));
    const flatImage = await saved(vfat([root, ...sorted(flat)]), 'flat.vfat');
    expect(execFileSync('mdir', ['-i', flatImage, '-b', '::']).toString().trim().split('\n')).toHaveLength(600);
    if (has('fsck.vfat')) expect(spawnSync('fsck.vfat', ['-n', flatImage])).toMatchObject({ status: 0 });
  }, 60_000);

  test('refuses what FAT cannot have', async () => {
    const refused: readonly (readonly FileEntry[])[] = [
      [{ ...at('l'), type: 'symlink', target: byteString('a') }],
      [{ ...at('c'), type: 'char', major: 1, minor: 1 }],
      [file('A'), file('a')],
      [file('a:b')],
      [file('[a]')],
      [file('ü')],
      [file('end.')],
      [file('Nul.txt')],
      [{ ...file('huge'), size: 2 ** 32 }],
    ];
    for (const entries of refused) await expect(vfat([root, ...entries])).rejects.toMatchObject({ code: 'PK3955' });
    const wrong = [{ label: 'twelve bytes' }, { serial: '1234' }, { size: 1000 }, { mtime: 0 }];
    for (const options of wrong) await expect(vfat(esp, options)).rejects.toMatchObject({ code: 'PK1004' });
  });
});

describe('a program', () => {
  const bin = join(folder, 'bin');
  const fake = (name: string, text: string): void => writeFileSync(join(bin, name), `#!/bin/sh\n${text}\n`, { mode: 0o755 });
  beforeAll(() => {
    mkdirSync(bin);
    fake('mksquashfs', 'echo "mksquashfs version 4.5 (2021)"; echo "no room" >&2; [ "$1" = -version ]');
    fake(
      'mkfs.erofs',
      'case "$1" in --help) echo --tar=X;; --version) echo 1.9;; *) cat >/dev/null; echo broken >&2; exit 3;; esac',
    );
    chmodSync(bin, 0o755);
  });

  test('that is not there is PK6901 with its package', async () => {
    const nowhere = join(folder, 'nowhere');
    await expect(squashfs(simple, nowhere)).rejects.toMatchObject({
      code: 'PK6901',
      hint: expect.stringContaining('squashfs-tools'),
    });
    await expect(erofsOf(simple, nowhere)).rejects.toMatchObject({
      code: 'PK6901',
      hint: expect.stringContaining('erofs-utils'),
    });
    await expect(vfat(esp, {}, nowhere)).rejects.toMatchObject({ code: 'PK6901', hint: expect.stringContaining('mtools') });
  });

  test('that fails is PK3956 with its words, and leaves nothing', async () => {
    const path = `${bin}:${usualPath}`;
    await expect(squashfs(simple, path)).rejects.toMatchObject({ code: 'PK3956', message: expect.stringContaining('no room') });
    await expect(erofsOf(simple, path)).rejects.toMatchObject({ code: 'PK3956', message: expect.stringContaining('3: broken') });
    await expect(squashfs(labelled, path)).rejects.toMatchObject({ code: 'PK3955' });
    expect(readdirSync(folder).filter((name) => name.startsWith('mkfs-'))).toEqual([]);
  });

  test('tells its version', async () => {
    if (has('mformat')) expect(await vfatTool(world, signal)).toMatch(/^mformat .*\d/);
    expect(await squashfsTool(worldOf(`${bin}:${usualPath}`), signal)).toBe('mksquashfs version 4.5 (2021)');
    expect(await erofsTool(worldOf(`${bin}:${usualPath}`), signal)).toEqual({ version: '1.9', readsTar: true });
  });
});
