import { spawnSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, rmSync, statSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { planDisk } from '../../src/formats/disk/plan.ts';
import { diskStream } from '../../src/formats/disk/write.ts';
import { verityTree } from '../../src/formats/verity/write.ts';
import { hasProgram } from '../formats/ext4/images.ts';
import { makeVmlinux } from '../kernels/samples.ts';
import { imageCli, makeSource } from './image-cli.ts';

const { folder, at, image, make } = imageCli('image');
const source = at('source');
beforeAll(() => makeSource(source));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

test('images that programs make: squashfs, erofs and vfat', () => {
  make('tar', source, '-o', 'p.tar', '--time', '0', '--owner', '0:0');
  if (hasProgram('mksquashfs')) {
    make('squashfs', 'p.tar', '-o', 'p.squashfs', '--compress', 'xz');
    expect(readFileSync(at('p.squashfs'), 'latin1').slice(0, 4)).toBe('hsqs');
    spawnSync('unsquashfs', ['-d', at('unpacked'), at('p.squashfs')], { stdio: 'ignore' });
    make('tar', at('unpacked'), '-o', 'q.tar');
    expect(image(['diff', 'p.tar', 'q.tar'])).toMatchObject({
      stderr: '',
      ...(process.getuid?.() === 0 && { stdout: '', status: 0 }),
    });
  }
  if (hasProgram('mkfs.erofs')) {
    make('erofs', 'p.tar', '-o', 'p.erofs', '--compress', 'lz4', '--uuid', '01234567-89ab-cdef-0123-456789abcdef');
    expect(readFileSync(at('p.erofs')).toString('hex', 1024, 1028)).toBe('e2e1f5e0');
    expect(spawnSync('fsck.erofs', [at('p.erofs')]).status).toBe(0);
  }
  mkdirSync(at('esp/EFI'), { recursive: true });
  writeFileSync(at('esp/EFI/a.efi'), 'program');
  if (hasProgram('mformat')) {
    make('vfat', 'esp', '-o', 'p.vfat', '--label', 'ESP', '--size', '2MiB', '--serial', '01234567', '--time', '1000000000');
    expect(spawnSync('mtype', ['-i', at('p.vfat'), '::/EFI/a.efi'], { encoding: 'utf8' }).stdout).toBe('program');
    expect(spawnSync('mdir', ['-i', at('p.vfat'), '::/'], { encoding: 'utf8' }).stdout).toMatch(/0123-4567[^]*2001-09-09/);
  }
  for (const kind of ['squashfs', 'erofs', 'vfat'])
    expect(image([kind, 'esp', '-o', 'never'], undefined, folder).stderr).toMatch(
      /PK6901[^]*Install the Debian package (squashfs-tools|erofs-utils|mtools)/,
    );
}, 60_000);

test.each(['xz', 'lz4'])('a cpio with %s, by its program, is read again', (format) => {
  if (!hasProgram(format)) return;
  make('cpio', source, '-o', `c.${format}`, '--compress', format, '--time', '0');
  make('cpio', source, '-o', 'c.plain', '--time', '0');
  expect(image(['diff', `c.${format}`, 'c.plain'])).toEqual({ status: 0, stdout: '', stderr: '' });
  expect(image(['cpio', source, '-o', 'never', '--compress', format], undefined, folder).stderr).toContain('PK6901');
});

test('an initrd is checked, also against the kernel that shall unpack it', () => {
  make('cpio', source, '-o', 'i.zst', '--compress', 'zstd');
  make('cpio', source, '-o', 'i.plain');
  const config = 'CONFIG_BLK_DEV_INITRD=y\nCONFIG_RD_GZIP=y\n# CONFIG_RD_ZSTD is not set\n';
  writeFileSync(at('vmlinux'), makeVmlinux({ config }));
  writeFileSync(at('silent'), makeVmlinux());
  writeFileSync(at('kconfig'), `${config}CONFIG_RD_ZSTD=y\n`);
  expect(image(['check', 'i.zst'])).toEqual({ status: 0, stdout: 'i.zst: sound\n', stderr: '' });
  expect(image(['check', 'i.plain', '--kernel', 'vmlinux'])).toMatchObject({ status: 0, stdout: 'i.plain: sound\n' });
  expect(image(['check', 'i.zst', '--kernel', 'vmlinux'])).toMatchObject({
    status: 7,
    stdout: 'kernel: it was built without CONFIG_RD_ZSTD\ni.zst: 1 findings\n',
  });
  expect(image(['check', 'i.zst', '--kernel', 'silent']).stdout).toMatch(
    /^silent: .* is not known.*--kconfig names one\ni.zst: sound/,
  );
  expect(image(['check', 'i.zst', '--kernel', 'silent', '--kconfig', 'kconfig'])).toMatchObject({ status: 0 });
  expect(JSON.parse(image(['check', 'i.zst', '--json']).stdout)).toMatchObject({ findings: [], compressed: ['zstd'] });
  truncateSync(at('i.zst'), 500);
  expect(image(['check', 'i.zst'])).toMatchObject({ status: 7, stdout: expect.stringMatching(/^archive: .*\(PK3304\)\n/) });
  make('ext4', source, '-o', 'i.ext4');
  expect(image(['check', 'i.ext4', '--kernel', 'vmlinux'])).toMatchObject({
    status: 2,
    stderr: expect.stringContaining('PK1001'),
  });
});

test('the partitions of a disk are told, read and taken out', async () => {
  make('ext4', source, '-o', 'root.ext4', '--time', '0');
  const root = readFileSync(at('root.ext4'));
  const hashes = Buffer.concat(
    await Array.fromAsync(verityTree([root] as never, { size: root.length, identity: 'x', salt: 'ab' })),
  );
  const squashfs = Buffer.concat([Buffer.from('hsqs'), Buffer.alloc(4092)]);
  const parts = [root, hashes, squashfs, Buffer.alloc(512)];
  const types = ['root-x86-64', 'root-x86-64-verity', 'linux', 'swap'];
  const partitions = parts.map((bytes, index) => ({
    type: types[index] ?? '',
    name: index === 0 ? 'rööt' : '',
    contentSize: bytes.length,
    identity: `${index}`,
    ...(index === 0 && { attributes: ['read-only'] }),
  }));
  const plan = planDisk({ partitions });
  async function* bytesOfPart(index: number): AsyncGenerator<Uint8Array> {
    yield await Promise.resolve(parts[index] ?? Buffer.of());
  }
  const { signal } = new AbortController();
  const disk = diskStream(plan, ({ number }) => Promise.resolve(bytesOfPart(number - 1)), signal);
  writeFileSync(at('disk'), Buffer.concat(await Array.fromAsync(disk)));
  const said = image(['inspect', 'disk']).stdout;
  expect(said).toMatch(
    /^disk: a disk with partitions, [\d.]+ MiB, [0-9a-f-]{36}\n  1: root-x86-64 "rööt", [\d.]+ MiB, an ext4 image \(read-only\), /,
  );
  expect(said).toMatch(
    /\n  2: root-x86-64-verity, .*a dm-verity hash tree, .*\n  3: linux, .*squashfs.*\n  4: swap, .*nothing but zeros/,
  );
  const json = JSON.parse(image(['inspect', 'disk', '--json']).stdout) as object;
  expect(json).toMatchObject({
    format: 'gpt',
    partitions: [{ number: 1, offset: 2 ** 20, holds: 'ext4' }, { holds: 'verity' }, {}, {}],
  });
  expect(image(['inspect', 'disk', '--partition', '1']).stdout).toMatch(/^disk: ext4, /);
  expect(JSON.parse(image(['inspect', 'disk', '--partition', '2', '--json']).stdout)).toMatchObject({
    format: 'verity',
    algorithm: 'sha256',
    dataBlocks: root.length / 4096,
    salt: 'ab',
  });
  expect(image(['inspect', 'disk', '--partition', '3']).stdout).toMatch(/^disk: a squashfs image, .* not read\n/);
  make('extract', 'disk', '--partition', '1', '-o', 'again.ext4');
  expect(readFileSync(at('again.ext4')).subarray(0, root.length).equals(root)).toBe(true);
  make('extract', 'disk', '--partition', '1', '--tar', 'again.tar');
  expect(image(['diff', 'again.tar', 'root.ext4'])).toEqual({ status: 0, stdout: '', stderr: '' });
  make('cpio', 'disk', '--partition', '1', '-o', 'again.cpio');
  const refused = [
    ['PK3959', 'extract', 'disk', '--partition', '5', '--tar', 'never'],
    ['PK3959', 'tar', source, '--partition', '1', '-o', 'never'],
    ['PK3752', 'tar', 'root.ext4', '--partition', '1', '-o', 'never'],
    ['PK3951', 'tar', 'disk', '-o', 'never'],
    ['PK3951', 'tar', 'disk', '--partition', '3', '-o', 'never'],
    ['PK3954', 'tar', 'disk', '--partition', '0', '-o', 'never'],
    ['PK1001', 'extract', 'disk', '--partition', '1', '-o', 'never', '--time', '0'],
    ['PK1001', 'extract', 'disk', '-o', 'never'],
  ];
  for (const [code = '', ...args] of refused) expect(image(args).stderr, args.join(' ')).toContain(code);
  expect(readdirSync(folder).filter((name) => name.startsWith('never'))).toEqual([]);
}, 60_000);

test('a file with holes keeps them where that is asked, and the image is small', () => {
  mkdirSync(at('holes'));
  writeFileSync(at('holes/sparse'), 'begin');
  truncateSync(at('holes/sparse'), 2 ** 26);
  writeFileSync(at('holes/dense'), Buffer.alloc(2 ** 20));
  make('ext4', 'holes', '-o', 'holes.ext4', '--sparse', '--time', '0');
  expect(statSync(at('holes.ext4')).size).toBeLessThan(4 * 2 ** 20);
  expect(image(['check', 'holes.ext4']).status).toBe(0);
  if (hasProgram('e2fsck')) expect(spawnSync('e2fsck', ['-fn', at('holes.ext4')]).status).toBe(0);
  expect(image(['inspect', 'holes.ext4', '--tree']).stdout).toContain('file 67108864 /sparse');
  // Not what the disk of this machine had holes for decides, but the bytes.
  spawnSync('cp', ['-r', '--sparse=never', at('holes'), at('dense')]);
  make('ext4', 'dense', '-o', 'dense.ext4', '--sparse', '--time', '0');
  expect(readFileSync(at('dense.ext4')).equals(readFileSync(at('holes.ext4')))).toBe(true);
  make('ext4', 'holes', '-o', 'full.ext4', '--time', '0');
  const { size, blocks } = statSync(at('full.ext4'));
  expect(size).toBeGreaterThan(2 ** 26);
  expect(blocks * 512).toBeLessThan(2 ** 23);
}, 60_000);

test.skipIf(!hasProgram('setfattr'))('the extended attributes of a directory are taken along where that is asked', () => {
  mkdirSync(at('marked'));
  const strange = Buffer.from(`${at('marked')}/\xff\\ new\nline`, 'latin1');
  writeFileSync(strange, 'x');
  symlinkSync('plain', at('marked/link'));
  writeFileSync(at('marked/plain'), 'x');
  const set = (name: string, value: string, on: string) =>
    spawnSync('setfattr', ['-n', name, '-v', value, on], { encoding: 'latin1' }).status;
  if (set('user.b', '0x00ff0a', at('marked/plain')) !== 0) return;
  expect([set('user.a', '0x', at('marked/plain')), set('user.dir', '0x31', at('marked'))]).toEqual([0, 0]);
  spawnSync('sh', ['-c', 'setfattr -n user.strange -v 0x32 marked/*new*'], { cwd: folder });
  make('ext4', 'marked', '-o', 'marked.ext4', '--xattrs');
  make('tar', 'marked', '-o', 'marked.tar', '--xattrs');
  expect(image(['diff', 'marked.ext4', 'marked.tar'])).toMatchObject({ status: 0 });
  const { entries } = JSON.parse(image(['inspect', 'marked.tar', '--tree', '--json']).stdout) as {
    entries: { path: string; xattrs: Record<string, string> }[];
  };
  const users = entries.map(({ xattrs }) => Object.entries(xattrs).filter(([name]) => name.startsWith('user.')));
  expect(users).toEqual([
    [['user.dir', 'MQ==']],
    [],
    [
      ['user.a', ''],
      ['user.b', 'AP8K'],
    ],
    [['user.strange', 'Mg==']],
  ]);
  make('tar', 'marked', '-o', 'unmarked.tar');
  expect(image(['diff', 'marked.tar', 'unmarked.tar']).status).toBe(1);
  expect(image(['tar', 'marked', '-o', 'never', '--xattrs'], undefined, folder).stderr).toMatch(/PK6901[^]*attr/);
});
