import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { checkMachine } from './machine.ts';

const folder = mkdtempSync(join(tmpdir(), 'portkit-machine-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const good = { platform: 'linux', arch: 'x64', node: '24.15.0', path: folder, judgesPath: folder };
const check = (name: string, changed: Partial<typeof good>) =>
  checkMachine({ ...good, ...changed }).find((one) => one.name === name);

test.each([
  ['platform', {}, true],
  ['platform', { arch: 'arm64' }, true],
  ['platform', { arch: 'riscv64' }, false],
  ['platform', { platform: 'darwin' }, false],
  ['node', {}, true],
  ['node', { node: '26.0.0' }, true],
  ['node', { node: '24.14.9' }, false],
  ['node', { node: '22.99.0' }, false],
])('%s of %j: %s', (name, changed, ok) => {
  expect(check(name, changed)?.ok).toBe(ok);
});

test('a missing optional program is told of with its use and its package', () => {
  expect(check('xz', { path: '' })).toEqual({
    name: 'xz',
    ok: false,
    optional: true,
    detail: 'optional, missing: apt install xz-utils (packs and unpacks .xz archives)',
  });
});

test('the virtual machine is that of the processor', () => {
  expect(check('qemu-system-x86_64', {})).toBeDefined();
  expect(check('qemu-system-x86_64', { arch: 'arm64' })).toBeUndefined();
  expect(check('qemu-system-aarch64', { arch: 'arm64' })?.detail).toContain('apt install qemu-system-arm');
});

test('e2fsck is looked for where root looks', () => {
  const sbin = join(folder, 'sbin');
  mkdirSync(sbin);
  writeFileSync(join(sbin, 'e2fsck'), '', { mode: 0o755 });
  expect(check('e2fsck', { judgesPath: sbin })).toMatchObject({ ok: true, detail: expect.stringContaining(sbin) });
  expect(check('e2fsck', { path: sbin })?.ok).toBe(false);
});

test('a program is a file that can be run, in an absolute folder', () => {
  mkdirSync(join(folder, 'xz'));
  expect(check('xz', {})?.ok).toBe(false);
  const git = join(folder, 'git');
  writeFileSync(git, '', { mode: 0o644 });
  expect(check('git', {})?.ok).toBe(false);
  chmodSync(git, 0o755);
  expect(check('git', { path: `relative:${folder}` })).toMatchObject({ ok: true, detail: expect.stringContaining(git) });
  expect(check('bwrap', {})).toMatchObject({ ok: false, help: 'apt install bubblewrap' });
});
