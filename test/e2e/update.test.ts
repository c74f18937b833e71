import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { digestOf } from '../../src/base/digest.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'portkit-update-'));
  for (const name of ['one', 'two']) writeFileSync(join(folder, name), name);
  const fetch = (name: string) => `[steps.${name}]\nfetch = { url = "file://${folder}/${name}" }\n`;
  const pinned = `[steps.pinned]\nfetch = { url = "file://${folder}/gone", sha256 = "${'0'.repeat(64)}" }\n`;
  const targets = '[targets]\none = "step:packed"\ntwo = "step:two"\npinned = "step:pinned"\n';
  const packed = '[steps.packed]\ncompress = { from = "step:one", format = "gzip" }\n';
  writeFileSync(join(folder, 'portkit.toml'), [fetch('one'), fetch('two'), pinned, packed, targets].join('\n'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function portkit(...args: readonly string[]) {
  return spawnSync('sh', [join(process.cwd(), 'bin/portkit'), ...args], {
    encoding: 'utf8',
    cwd: folder,
    env: { PATH: process.env['PATH'], HOME: folder, PORTKIT_ROOT: join(folder, 'store') },
  });
}

const pins = (): unknown => JSON.parse(readFileSync(join(folder, 'portkit.lock'), 'utf8')) as unknown;
const url = (name: string): string => `file://${folder}/${name}`;

describe('update', () => {
  test('moves the pins of what the targets leave open, builds nothing, and says what moved', () => {
    expect(portkit('update', 'two')).toMatchObject({ status: 0, stdout: `two: ${url('two')}: new: ${digestOf('two')}\n` });
    const all = portkit('update', '--json');
    expect(all.status).toBe(0);
    expect(JSON.parse(all.stdout)).toEqual({
      version: 1,
      failures: [],
      pins: [
        { step: 'one', name: url('one'), after: digestOf('one') },
        { step: 'two', name: url('two'), before: digestOf('two'), after: digestOf('two') },
      ],
    });
    expect(all.stderr).not.toContain('packed');
    writeFileSync(join(folder, 'one'), 'uno');
    expect(portkit('update').stdout).toBe(
      `one: ${url('one')}: ${digestOf('one')} → ${digestOf('uno')}\ntwo: ${url('two')}: unchanged: ${digestOf('two')}\n`,
    );
    expect(pins()).toEqual({ version: 1, pins: { [url('one')]: digestOf('uno'), [url('two')]: digestOf('two') } });
    expect(portkit('build', 'one', '--locked')).toMatchObject({ status: 0 });
  });

  test('moves what it can when a source is gone, and says which is', () => {
    portkit('update');
    rmSync(join(folder, 'one'));
    writeFileSync(join(folder, 'two'), 'dos');
    const after = portkit('update');
    expect(after).toMatchObject({ status: 2, stderr: expect.stringContaining('error[PK3208]: step one: ') });
    expect(after.stdout).toContain(`→ ${digestOf('dos')}`);
    expect(pins()).toEqual({ version: 1, pins: { [url('one')]: digestOf('one'), [url('two')]: digestOf('dos') } });
  });

  test('has nothing to do where nothing is open, and knows no other targets', () => {
    expect(portkit('update', 'pinned')).toMatchObject({ status: 0, stdout: 'The definition leaves nothing open\n', stderr: '' });
    expect(portkit('update', 'three')).toMatchObject({ status: 2, stderr: expect.stringContaining('PK3002') });
  });
});
