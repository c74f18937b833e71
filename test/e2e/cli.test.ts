import { execFileSync, spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { afterAll, expect, test } from 'vitest';
import { hexOf } from '../../src/base/digest.ts';
import { openStoreAt } from '../../src/cli/context.ts';
import { selfCheck } from '../../src/cli/self-check.ts';

const folder = mkdtempSync(join(tmpdir(), 'portkit-cli-'));
const root = join(folder, 'store');
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function portkit(...args: readonly string[]): { status: number | null; stdout: string; stderr: string } {
  const env = { PATH: process.env['PATH'], HOME: folder, PORTKIT_ROOT: root };
  return spawnSync('sh', ['bin/portkit', ...args], { encoding: 'utf8', env });
}

test('--version and --help', () => {
  expect(portkit('--version')).toMatchObject({
    status: 0,
    stdout: expect.stringMatching(/^portkit \d+\.\d+\.\d+\n$/),
    stderr: '',
  });
  expect(portkit('--help').stdout).toContain('Usage: portkit COMMAND');
  expect(portkit('help', 'cache').stdout).toContain('--max-size SIZE');
  expect(portkit('cache', '--help').stdout).toContain('--max-size SIZE');
});

test.each([
  [['cahce'], /PK1001.*Unknown command "cahce"[^]*Did you mean "portkit cache"/],
  [['cache', 'verfy'], /PK1001[^]*Did you mean "portkit cache verify"/],
  [['cache', 'du', '--jsno'], /PK1001[^]*Did you mean "--json"/],
  [['cache', 'prune', '--max-size', '10 gigs'], /PK1004/],
  [['cache', 'prune', '--keep', '7 moons'], /PK1004/],
  [['cache', 'verify', '--subset', '5/4'], /PK1004/],
  [['explain', 'PK9999'], /PK1001/],
  [['explain', 'PK2001', 'PK2002'], /PK1001.*"PK2002"/],
  [['doctor', 'nonsense'], /PK1001.*"nonsense"/],
  [['constructor'], /PK1001.*Unknown command "constructor"/],
  [['cache', 'du', '--constructor'], /PK1001.*Unknown option --constructor/],
  [['cache', 'constructor'], /PK1001/],
  [['cache', 'verify', '--dry-run', '--repair'], /PK1001.*does not take --dry-run/],
  [['cache', 'du', '--root', ''], /PK1004/],
])('%j is refused with a code and a hint, exit 2', (args, message) => {
  const done = portkit(...args);
  expect(done.stderr).toMatch(message);
  expect(done.stderr).toContain('= help:');
  expect(done.stderr).not.toMatch(/^\s+at /m);
  expect(done).toMatchObject({ status: 2, stdout: '' });
});

test('every error code has a long form', () => {
  for (const code of portkit('explain').stdout.match(/^PK\d{4}/gm) ?? []) {
    expect(portkit('explain', code)).toMatchObject({ status: 0, stdout: expect.stringContaining(`${code}: `) });
  }
});

test('cache verbs answer in JSON', () => {
  expect(JSON.parse(portkit('cache', 'du', '--json').stdout)).toMatchObject({ bytes: expect.any(Number) });
  expect(JSON.parse(portkit('cache', 'ls', '--json').stdout)).toEqual({ blobs: [] });
  expect(JSON.parse(portkit('cache', 'verify', '--json').stdout)).toEqual({ checked: 0, bytes: 0, findings: [] });
  expect(JSON.parse(portkit('cache', 'prune', '--json').stdout)).toEqual({ blobs: 0, records: 0, bytes: 0 });
  expect(JSON.parse(portkit('cache', 'rebuild-index', '--json').stdout)).toEqual({ blobs: 0, records: 0, tags: 0 });
});

test('a root that is a file, and a newer store, are refused', () => {
  const file = join(folder, 'file');
  writeFileSync(file, '');
  expect(portkit('cache', 'du', '--root', file)).toMatchObject({ status: 2, stderr: expect.stringContaining('PK2006') });
  const newer = join(folder, 'newer');
  mkdirSync(join(newer, 'v7'), { recursive: true });
  expect(portkit('cache', 'du', '--root', newer)).toMatchObject({ status: 69, stderr: expect.stringContaining('PK2005') });
});

test('a wrong command line makes no store', () => {
  const fresh = join(folder, 'fresh');
  expect(portkit('cache', 'prune', '--root', fresh, '--max-size', 'nope').status).toBe(2);
  expect(existsSync(fresh)).toBe(false);
});

test('a store with nothing in it lists nothing', () => {
  expect(portkit('cache', 'ls', '--root', join(folder, 'empty'))).toMatchObject({ status: 0, stdout: '' });
});

test('a reader that leaves is met quietly, and does not hide that the store is corrupt', async () => {
  const damaged = join(folder, 'damaged');
  await using store = openStoreAt(damaged);
  const content = Readable.from([Buffer.alloc(300_000, 1)]);
  const { digest } = await store.blobs.write(content, new AbortController().signal);
  const path = join(store.directory, 'blobs/sha256', hexOf(digest));
  chmodSync(path, 0o600);
  writeFileSync(path, Buffer.alloc(300_000, 2));
  expect(portkit('cache', 'verify', '--root', damaged).status).toBe(7);
  // The shell reports the status of portkit behind a pipe whose reader has ended before portkit starts.
  const script = '(read -r go; sh bin/portkit cache verify; echo "$?" >&3) 3>&2 <"$FIFO" | (exec <&-; echo go >"$FIFO")';
  const fifo = join(folder, 'fifo');
  execFileSync('mkfifo', [fifo]);
  const env = { PATH: process.env['PATH'], HOME: folder, PORTKIT_ROOT: damaged, FIFO: fifo };
  const done = spawnSync('bash', ['-c', script], { encoding: 'utf8', env });
  expect(done.stderr).toBe('7\n');
});

test('a result that cannot be written is an error, not a bug', () => {
  const env = { PATH: process.env['PATH'], HOME: folder, PORTKIT_ROOT: root };
  const done = spawnSync('sh', ['-c', 'sh bin/portkit cache du >/dev/full'], { encoding: 'utf8', env });
  expect(done).toMatchObject({ status: 69, stderr: expect.stringMatching(/^error\[PK2007\]/) });
});

test('a cancelled self-check says so', async () => {
  const signal = AbortSignal.abort(new Error('cancelled'));
  const check = selfCheck({ root: join(folder, 'cancelled'), openStore: openStoreAt, signal });
  await expect(check).rejects.toThrow('cancelled');
});

test('the self-check passes', () => {
  const done = portkit('doctor', '--json');
  const { checks } = JSON.parse(done.stdout) as { checks: readonly { name: string; ok: boolean }[] };
  expect(checks.filter((check) => check.name.startsWith('store:') && !check.ok)).toEqual([]);
});
