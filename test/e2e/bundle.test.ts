import { execFileSync, spawnSync } from 'node:child_process';
import { chmodSync, cpSync, mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { hexOf } from '../../src/base/digest.ts';
import { openStore } from '../../src/store/open.ts';

/** Stores a blob that is long enough for verify to use its threads, and damages its last byte. */
async function storeDamaged(root: string, file: string): Promise<string> {
  const size = 64 << 20;
  writeFileSync(file, '');
  truncateSync(file, size);
  await using store = openStore(root, { now: () => 1 });
  const { digest } = await store.blobs.writeFile(file, new AbortController().signal);
  const stored = join(store.directory, 'blobs/sha256', hexOf(digest));
  chmodSync(stored, 0o644);
  truncateSync(stored, size - 1);
  writeFileSync(stored, 'x', { flag: 'a' });
  return digest;
}

test('the bundle runs on a plain Node, away from the checkout, and finds its thread', async () => {
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
    const digest = await storeDamaged(join(folder, 'root'), join(folder, 'long'));
    const verified = run('cache', 'verify', '--json', '--root', join(folder, 'root'));
    expect(verified.stderr).toBe('');
    expect(JSON.parse(verified.stdout)).toMatchObject({ findings: [{ name: digest, detail: 'its bytes have another digest' }] });
    expect(run('no-such-command').status).toBe(2);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
