import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { makeBzImage, makeImage, makeVmlinux, pack, sampleVersion } from '../kernels/samples.ts';

const folder = mkdtempSync(join(tmpdir(), 'portkit-kernel-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const vmlinux = makeVmlinux({ pvh: 0x1000370, config: 'CONFIG_VIRTIO_BLK=m\n' });
const file = place('vmlinuz', makeBzImage(vmlinux, { packing: 'zstd' }));

function place(name: string, content: string | Buffer): string {
  writeFileSync(join(folder, name), content);
  return join(folder, name);
}

function kernel(...args: readonly string[]) {
  const env = { PATH: process.env['PATH'], HOME: folder };
  const { status, stdout, stderr } = spawnSync('sh', ['bin/portkit', 'kernel', ...args], { encoding: 'utf8', env });
  return { status, stdout, stderr };
}

test('kernel inspect says what a kernel is and where it fits', () => {
  const { status, stdout } = kernel('inspect', file);
  expect(status).toBe(0);
  expect(stdout).toContain('a bzImage for x86_64, packed with zstd');
  expect(stdout).toContain(`version: ${sampleVersion}`);
  expect(stdout).toContain('PVH entry at 0x1000370');
  expect(stdout).toMatch(/✓ x86_64\/firecracker\/standard\n {4}- CONFIG_VIRTIO_BLK is a module/);
  expect(stdout).toContain('✗ aarch64/avf/standard: it is for x86_64\n');
});

test('kernel inspect --json has all of it, with a configuration from beside the kernel', () => {
  const image = place('Image', makeImage());
  const config = place('config', 'CONFIG_EXT4_FS=y\n');
  const { status, stdout } = kernel('inspect', image, '--json', '--kconfig', config);
  expect(status).toBe(0);
  expect(JSON.parse(stdout)).toMatchObject({
    file: image,
    container: 'arm64-image',
    architecture: 'aarch64',
    version: sampleVersion,
    core: { pageKiB: 4 },
    config: { CONFIG_EXT4_FS: 'y' },
    lanes: expect.arrayContaining([expect.objectContaining({ architecture: 'aarch64', substrate: 'avf', fits: true })]),
  });
});

test('kernel extract writes the vmlinux, whole or not at all', () => {
  const output = place('vmlinux', 'what was there');
  expect(kernel('extract', file, '-o', output)).toMatchObject({ status: 0, stdout: expect.stringContaining('vmlinux: ') });
  expect(readFileSync(output).equals(vmlinux)).toBe(true);
  const broken = place('broken', readFileSync(file).subarray(0, -320));
  expect(kernel('extract', broken, '-o', output)).toMatchObject({ status: 1, stderr: expect.stringContaining('PK3702') });
  expect(readFileSync(output).equals(vmlinux)).toBe(true);
  expect(readdirSync(folder).filter((name) => name.includes('.part'))).toEqual([]);
});

test('what stands in the way of the vmlinux stays', () => {
  mkdirSync(join(folder, 'directory'));
  symlinkSync('vmlinuz', join(folder, 'link'));
  for (const name of ['directory', 'link'])
    expect(kernel('extract', file, '-o', join(folder, name))).toMatchObject({
      status: 2,
      stderr: expect.stringContaining('PK3402'),
    });
  expect(kernel('extract', file, '-o', join(folder, 'missing/vmlinux')).stderr).toContain('PK3406');
});

test.each([
  [[], /PK1001.*needs a verb/],
  [['inspct', 'x'], /PK1001[^]*portkit kernel inspect/],
  [['inspect'], /PK1001.*needs the file/],
  [['extract', 'x'], /PK1001[^]*-o/],
  [['extract', 'x', '--json'], /PK1001[^]*portkit kernel inspect/],
  [['inspect', '/dev/null'], /PK3953.*no regular file/],
  [['inspect', join(folder, 'absent')], /PK3953/],
  [['inspect', file, '--kconfig', join(folder, 'absent')], /PK1004/],
  [['inspect', 'package.json'], /PK3701/],
])('kernel %j is refused', (args, message) => {
  const { status, stdout, stderr } = kernel(...args);
  expect(status).not.toBe(0);
  expect(stdout).toBe('');
  expect(stderr).toMatch(message);
});

test.each([
  ['a bzImage', makeBzImage(vmlinux, { packing: 'gzip' })],
  ['a vmlinux', vmlinux],
  ['an Image', makeImage()],
  ['an Image in gzip', pack(makeImage(), 'gzip')],
])('image check of %s says that it is a kernel, and who looks at those', (_, content) => {
  const path = place('checked', content);
  const env = { PATH: process.env['PATH'], HOME: folder };
  const { status, stderr } = spawnSync('sh', ['bin/portkit', 'image', 'check', path], { encoding: 'utf8', env });
  expect(status).toBe(1);
  expect(stderr).toMatch(/PK3951[^]*is a kernel \([^]*portkit kernel inspect/);
});
