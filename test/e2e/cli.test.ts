import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';

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

test('the self-check passes', () => {
  const done = portkit('doctor', '--json');
  const { checks } = JSON.parse(done.stdout) as { checks: readonly { name: string; ok: boolean }[] };
  expect(checks.filter((check) => check.name.startsWith('store:') && !check.ok)).toEqual([]);
});
