import { execFileSync, spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';

test('the bundle runs on a plain Node, away from the checkout', () => {
  execFileSync(process.execPath, ['scripts/bundle.ts']);
  const folder = mkdtempSync(join(tmpdir(), 'portkit-bundle-'));
  try {
    cpSync('build/portkit', folder, { recursive: true });
    const program = join(folder, 'portkit.mjs');
    const run = (...args: readonly string[]) =>
      spawnSync(process.execPath, [program, ...args], {
        encoding: 'utf8',
        cwd: folder,
        env: { PATH: process.env['PATH'], HOME: folder },
      });
    expect(run('--version').stdout).toMatch(/^portkit \d/);
    expect(run('explain', 'PK2001')).toMatchObject({ status: 0, stdout: expect.stringContaining('PK2001') });
    expect(run('cache', 'verify', '--json')).toMatchObject({ status: 0, stderr: '' });
    expect(run('no-such-command').status).toBe(2);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
