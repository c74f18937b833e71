import { spawn, spawnSync } from 'node:child_process';
import {
  chmodSync,
  copyFileSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
  writeSync,
  closeSync,
} from 'node:fs';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { digestOf, hexOf } from '../../src/base/digest.ts';
import { planDisk } from '../../src/formats/disk/plan.ts';
import { diskStream } from '../../src/formats/disk/write.ts';
import { verityTree } from '../../src/formats/verity/write.ts';
import { makeVmlinux } from '../kernels/samples.ts';
import { hasProgram } from '../formats/ext4/images.ts';

const folder = mkdtempSync(join(tmpdir(), 'portkit-image-'));
const at = (name: string): string => join(folder, name);
const source = at('source');
afterAll(() => rmSync(folder, { recursive: true, force: true }));

beforeAll(() => {
  mkdirSync(join(source, 'etc/deep'), { recursive: true });
  writeFileSync(join(source, 'etc/passwd'), 'root:x:0:0\n');
  writeFileSync(join(source, 'etc/ä b'), '');
  writeFileSync(join(source, 'big'), Buffer.alloc(3_000_001, 'portkit'));
  chmodSync(join(source, 'etc/passwd'), 0o4750);
  linkSync(join(source, 'etc/passwd'), join(source, 'second'));
  symlinkSync('etc/passwd', join(source, 'link'));
  utimesSync(join(source, 'big'), 1.5, 1.5);
});

function image(args: readonly string[], input?: Buffer, path = process.env['PATH']) {
  const env = { PATH: path, HOME: folder, PORTKIT_NODE: process.execPath };
  const how = { encoding: 'utf8', env, cwd: folder, ...(input && { input }) } as const;
  const { status, stdout, stderr } = spawnSync(
    '/bin/sh',
    [join(import.meta.dirname, '../../bin/portkit'), 'image', ...args],
    how,
  );
  return { status, stdout, stderr };
}

function make(...args: readonly string[]): void {
  expect(image(args)).toMatchObject({ status: 0, stderr: '' });
}

test('directory, ext4, tar, cpio and ext4 again have the same tree', () => {
  make('ext4', source, '-o', 'one.ext4', '--time', '7', '--owner', '0:0', '--profile', 'csum-journal', '--label', 'root');
  make('tar', 'one.ext4', '-o', 'two.tar');
  make('cpio', 'two.tar', '-o', 'three.cpio.gz', '--compress', 'gzip');
  make('ext4', 'three.cpio.gz', '-o', 'four.ext4', '--size', '16MiB');
  make('extract', 'four.ext4', '--tar', 'five.tar');
  for (const other of ['two.tar', 'three.cpio.gz', 'four.ext4'])
    expect(image(['diff', 'one.ext4', other])).toEqual({ status: 0, stdout: '', stderr: '' });
  expect(readFileSync(at('five.tar')).equals(readFileSync(at('two.tar')))).toBe(true);
  expect(image(['inspect', 'four.ext4', '--tree']).stdout).toBe(
    [
      '0755 0:0 dir /',
      '0644 0:0 file 3000001 /big',
      '0755 0:0 dir /etc',
      '0755 0:0 dir /etc/deep',
      '4750 0:0 file 11 /etc/passwd',
      '0644 0:0 file 0 /etc/ä b',
      '0777 0:0 symlink /link -> etc/passwd',
      '/second = /etc/passwd',
      '',
    ].join('\n'),
  );
  const found = JSON.parse(image(['inspect', 'four.ext4', '--json']).stdout) as object;
  expect(found).toMatchObject({ format: 'ext4', size: 2 ** 24, names: { file: 3, hardlink: 1 }, bytes: 3_000_012 });
  for (const name of ['one.ext4', 'four.ext4']) {
    expect(image(['check', name])).toMatchObject({ status: 0, stdout: `${name}: sound\n` });
    if (hasProgram('e2fsck')) expect(spawnSync('e2fsck', ['-fn', at(name)]).status).toBe(0);
  }
}, 60_000);

test('the same tree gives the same bytes, through standard input and compressed too', () => {
  make('tar', source, '-o', 'a.tar', '--time', '0', '--owner', '5:6');
  make('ext4', 'a.tar', '-o', 'a.ext4');
  expect(image(['ext4', '-', '-o', 'b.ext4'], gzipSync(readFileSync(at('a.tar'))))).toMatchObject({ status: 0 });
  expect(readFileSync(at('a.ext4')).equals(readFileSync(at('b.ext4')))).toBe(true);
  expect(image(['inspect', '-', '--json'], gzipSync(readFileSync(at('a.ext4')))).stdout).toContain('"format": "ext4"');
});

test('the image of an OCI layout is its layers over each other', () => {
  make('tar', source, '-o', 'layer.tar', '--time', '0');
  mkdirSync(at('layout/blobs/sha256'), { recursive: true });
  const blob = (bytes: Buffer | string, mediaType: string) => {
    const digest = digestOf(bytes);
    writeFileSync(at(`layout/blobs/sha256/${hexOf(digest)}`), bytes);
    return { mediaType, digest, size: Buffer.byteLength(bytes) };
  };
  const type = 'application/vnd.oci.image';
  const tar = readFileSync(at('layer.tar'));
  const rootfs = { type: 'layers', diff_ids: [digestOf(tar)] };
  const architecture = process.arch === 'x64' ? 'amd64' : process.arch;
  const config = blob(JSON.stringify({ architecture, os: 'linux', rootfs }), `${type}.config.v1+json`);
  const layers = [blob(gzipSync(tar), `${type}.layer.v1.tar+gzip`)];
  const mediaType = `${type}.manifest.v1+json`;
  const manifest = blob(JSON.stringify({ schemaVersion: 2, mediaType, config, layers }), mediaType);
  const named = { ...manifest, annotations: { 'org.opencontainers.image.ref.name': 'one' } };
  writeFileSync(at('layout/oci-layout'), '{"imageLayoutVersion":"1.0.0"}');
  writeFileSync(at('layout/index.json'), JSON.stringify({ schemaVersion: 2, manifests: [named] }));
  expect(image(['diff', 'layout', 'layer.tar'])).toEqual({ status: 0, stdout: '', stderr: '' });
  expect(image(['inspect', 'layout']).stdout).toMatch(/^layout: oci, 2\.9 MiB in /);
  expect(image(['inspect', 'layout', '--reference', 'two'])).toMatchObject({ status: 1 });
});

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

test('diff says how two differ', () => {
  mkdirSync(at('other'));
  for (const name of ['same', 'text', 'mode']) writeFileSync(at(`other/${name}`), name);
  make('tar', 'other', '-o', 'before.tar', '--time', '0');
  writeFileSync(at('other/text'), 'TEXT');
  chmodSync(at('other/mode'), 0o600);
  writeFileSync(at('other/new'), '');
  make('cpio', 'other', '-o', 'after.cpio', '--time', '0', '--compress', 'zstd');
  expect(image(['diff', 'before.tar', 'after.cpio'])).toEqual({
    status: 1,
    stdout: '~ /mode: mode 0644 → 0600\n+ /new\n~ /text: content\n',
    stderr: '',
  });
});

test('a damaged image is found out', () => {
  make('ext4', source, '-o', 'good.ext4', '--profile', 'csum');
  copyFileSync(at('good.ext4'), at('bad.ext4'));
  const file = openSync(at('bad.ext4'), 'r+');
  // The free blocks of the first group's descriptor.
  writeSync(file, Buffer.from([0xff]), 0, 1, 4096 + 12);
  closeSync(file);
  const { status, stdout } = image(['check', 'bad.ext4']);
  expect(status).toBe(7);
  expect(stdout).toMatch(/block group 0: .*\n[^]*bad\.ext4: \d+ findings\n$/);
  truncateSync(at('bad.ext4'), 40_000);
  expect(image(['check', 'bad.ext4']).status).toBe(7);
  expect(image(['tar', 'bad.ext4', '-o', 'never.tar'])).toMatchObject({ status: 1, stderr: expect.stringContaining('PK3551') });
  expect(readdirSync(folder).filter((name) => name.startsWith('never'))).toEqual([]);
});

test('what cannot be made is one error with a code, and leaves nothing', () => {
  writeFileSync(at('text'), 'no image');
  const refused = [
    ['PK3951', 'tar', 'text', '-o', 'never'],
    ['PK3953', 'tar', 'missing', '-o', 'never'],
    ['PK3953', 'check', '/dev/null'],
    ['PK3402', 'tar', source, '-o', source],
    ['PK3406', 'ext4', source, '-o', 'missing/out'],
    ['PK3503', 'ext4', source, '-o', 'never', '--size', '1MiB'],
    ['PK3954', 'ext4', source, '-o', 'never', '--profile', 'fast'],
    ['PK3954', 'ext4', source, '-o', 'never', '--owner', 'root'],
    ['PK3954', 'cpio', source, '-o', 'never', '--compress', 'lzo'],
    ['PK3954', 'tar', source, '-o', 'never', '--time', 'now'],
    ['PK3954', 'squashfs', source, '-o', 'never', '--compress', 'fast'],
    ['PK3954', 'erofs', source, '-o', 'never', '--uuid', '1'],
    ['PK1004', 'vfat', source, '-o', 'never', '--serial', '1'],
    ['PK1001', 'tar', source],
    ['PK1001', 'diff', source],
    ['PK1001', 'check', 'text', '--tree'],
  ];
  for (const [code = '', ...args] of refused) {
    const { status, stderr } = image(args);
    expect(`${args.join(' ')}: ${stderr}`).toContain(code);
    expect(status).not.toBe(0);
  }
  expect(readdirSync(folder).filter((name) => name.startsWith('never'))).toEqual([]);
}, 60_000);

test('a cancelled write leaves nothing, and what was there', async () => {
  mkdirSync(at('large'));
  writeFileSync(at('large/file'), '');
  truncateSync(at('large/file'), 2 ** 34);
  writeFileSync(at('kept.ext4'), 'what was there');
  const program = join(import.meta.dirname, '../../bin/portkit');
  const child = spawn('sh', ['-c', `exec sh "$0" image ext4 large -o kept.ext4`, program], { cwd: folder, stdio: 'ignore' });
  const ended = once(child, 'exit');
  const parts = () => readdirSync(folder).filter((name) => name.includes('.part'));
  for (let waited = 0; parts().length === 0 && waited < 1000; waited += 1) await sleep(10);
  expect(parts()).toHaveLength(1);
  child.kill('SIGINT');
  expect(await ended).toEqual([130, null]);
  expect(parts()).toEqual([]);
  expect(readFileSync(at('kept.ext4'), 'utf8')).toBe('what was there');
}, 30_000);

test('waiting for standard input can be cancelled', async () => {
  const program = join(import.meta.dirname, '../../bin/portkit');
  const child = spawn('sh', [program, 'image', 'inspect', '-'], {
    stdio: ['pipe', 'ignore', 'ignore'],
    env: { ...process.env, TMPDIR: folder },
  });
  const ended = once(child, 'exit');
  child.stdin.write('0707');
  // Its file without a name is open once it waits.
  const leadsTo = (fd: string): string => {
    try {
      return readlinkSync(`/proc/${child.pid}/fd/${fd}`);
    } catch {
      // It was closed meanwhile.
      return '';
    }
  };
  const waits = () => readdirSync(`/proc/${child.pid}/fd`).some((fd) => leadsTo(fd).includes('/scratch-'));
  for (let waited = 0; waited < 1000 && !waits(); waited += 1) await sleep(10);
  child.kill('SIGINT');
  expect(await ended).toEqual([130, null]);
}, 30_000);
