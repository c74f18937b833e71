import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { findProgram } from '../../src/base/find-program.ts';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'portkit-start-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** `npm start` behind a proxy that is not there. */
function start(...args: readonly string[]) {
  const [proxy, path] = ['http://127.0.0.1:9', process.env['PATH'] ?? ''];
  const env = {
    PATH: path,
    http_proxy: proxy,
    https_proxy: proxy,
    PORTKIT_ROOT: join(folder, 'store'),
    PORTKIT_SCRATCH: join('/var/tmp', `portkit-test-${process.pid}`),
  };
  return spawnSync(process.execPath, ['scripts/start.ts', ...args], { encoding: 'utf8', env });
}

const missing = ['apt-get', 'cc'].filter((name) => findProgram(name, process.env['PATH'] ?? '') === undefined);

test('without a package source, everything but what has the kernel in it is made, and the end says so', ({ skip }) => {
  skip(missing.length > 0, `there is no ${missing.join(', ')}`);
  const { status, stdout, stderr } = start();
  expect(stderr).toContain('PK3201');
  expect(stdout).toMatch(/^rootfs\.ext4 .* sha256:[0-9a-f]{64}$/m);
  expect(stdout).toContain('Not made here: vmlinux, initrd, because\n  kernel-package: PK3201: apt cannot reach its servers');
  expect(status).toBe(0);
  const strict = start('--strict');
  expect(strict.stdout).toMatch(/^rootfs\.ext4 .* cached /m);
  expect(strict.status).toBe(5);
});
