import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { findCredential, listLogins } from '../../src/oci/credentials/find.ts';
import { credentialSources } from '../../src/wiring/credentials.ts';
import { canary } from './asking.ts';

const never = new AbortController().signal;
let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'portkit-helpers-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

/** The sources of a user whose helper is this script. */
function sourcesOf(script: string, patienceMs = 30_000) {
  writeFileSync(join(folder, 'docker-credential-it'), `#!/bin/sh\n${script}\n`, { mode: 0o755 });
  writeFileSync(join(folder, 'config.json'), JSON.stringify({ credsStore: 'it' }));
  const warnings: string[] = [];
  const env = { PATH: `${folder}:/usr/bin:/bin`, DOCKER_CONFIG: folder, SESSION: 'of the user' };
  const sources = credentialSources({ env, home: folder, warn: (message) => warnings.push(message) });
  return { warnings, sources: { ...sources, patienceMs } };
}

/** What a script has for a host: who, and what was told. */
async function asked(script: string, { patienceMs, signal = never }: { patienceMs?: number; signal?: AbortSignal } = {}) {
  const { sources, warnings } = sourcesOf(script, patienceMs);
  const found = await findCredential('a.example', sources, signal);
  expect(warnings.join()).not.toContain(canary);
  const who = found?.kind === 'basic' ? [found.username, found.password.reveal()] : found && [found.kind, found.token.reveal()];
  return { who, warnings: warnings.map((text) => text.replace('docker-credential-it ', '')) };
}

/** Whether what wrote its number into a file is gone. */
function isGone(file: string): boolean {
  const pid = readFileSync(join(folder, file), 'utf8').trim();
  try {
    return /^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
  } catch {
    return true;
  }
}

describe('a helper', () => {
  const answer = (username: string) => `echo '{"ServerURL":"x","Username":"${username}","Secret":"${canary}"}'`;
  test.each([
    ['that knows the host', `cat >/dev/null; ${answer('me')}`, ['me', canary], []],
    ['that does not read what it is asked', answer('me'), ['me', canary], []],
    ['that has an identity token', answer('<token>'), ['identity-token', canary], []],
    ['that has nothing', 'echo "credentials not found in native keychain"; exit 1', undefined, []],
    ['that fails', `echo ${canary}; echo ${canary} >&2; exit 2`, undefined, ['fails with status 2']],
    ['that is killed', 'kill -9 $$', undefined, ['fails with status none']],
    ['that says something else', `echo ${canary}`, undefined, ['answers with something else than credentials']],
    [
      'that says half of it',
      `printf '{"Username":"me","Secret":"${canary}'`,
      undefined,
      ['answers with something else than credentials'],
    ],
    ['that says a list', `echo '["${canary}"]'`, undefined, ['answers with something else than credentials']],
    ['that says nothing', ':', undefined, ['answers with something else than credentials']],
  ])('%s', async (_name, script, who, warnings) => {
    expect(await asked(script)).toEqual({ who, warnings });
  });

  test('is asked as Docker asks: the host without a line end, in the environment of the user', async () => {
    await asked(`cat >${folder}/input; env >${folder}/env; echo "$*" >${folder}/arguments; ${answer('me')}`);
    expect(readFileSync(join(folder, 'input'), 'utf8')).toBe('a.example');
    expect(readFileSync(join(folder, 'env'), 'utf8')).toContain('SESSION=of the user\n');
    expect(readFileSync(join(folder, 'arguments'), 'utf8')).toBe('get\n');
  });
  test('that does not end its output is ended', async () => {
    expect(await asked(`echo $$ >${folder}/pid; exec yes ${canary}`)).toEqual({
      who: undefined,
      warnings: ['says more than is read of it'],
    });
    await expect.poll(() => isGone('pid')).toBe(true);
  });
  test('that does not end its complaints is not kept in memory, and ended in time', async () => {
    const { rss } = process.memoryUsage();
    expect(await asked(`echo $$ >${folder}/pid; exec yes ${canary} >&2`, { patienceMs: 500 })).toEqual({
      who: undefined,
      warnings: ['does not answer in time'],
    });
    expect(process.memoryUsage().rss - rss).toBeLessThan(200 << 20);
    await expect.poll(() => isGone('pid')).toBe(true);
  });
  test('that hangs is ended with what it started', async () => {
    const script = `sleep 1000 & echo $! >${folder}/child; echo $$ >${folder}/pid; wait`;
    expect(await asked(script, { patienceMs: 500 })).toEqual({ who: undefined, warnings: ['does not answer in time'] });
    await expect.poll(() => isGone('pid') && isGone('child')).toBe(true);
  });
  test('that leaves a process behind which holds its output is not waited for any longer', async () => {
    const script = `setsid sh -c 'echo $$ >${folder}/away; exec sleep 1000' & sleep 0.2; ${answer('me')}`;
    try {
      expect(await asked(script, { patienceMs: 700 })).toEqual({ who: undefined, warnings: ['does not answer in time'] });
    } finally {
      process.kill(Number(readFileSync(join(folder, 'away'), 'utf8')), 'SIGKILL');
    }
  });
  test('is ended when nobody waits any more, and that is told to nobody', async () => {
    const stop = new AbortController();
    const { sources, warnings } = sourcesOf(`echo $$ >${folder}/pid; exec sleep 1000`);
    const work = findCredential('a.example', sources, stop.signal);
    await expect.poll(() => readFileSync(join(folder, 'pid'), 'utf8')).toMatch(/\d\n/);
    stop.abort(new Error('enough'));
    await expect(work).rejects.toThrow('enough');
    expect(warnings).toEqual([]);
    await expect.poll(() => isGone('pid')).toBe(true);
  });
  test('leaves no zombie', async () => {
    await asked(`echo $$ >${folder}/pid; ${answer('me')}`);
    expect(() => readFileSync(`/proc/${readFileSync(join(folder, 'pid'), 'utf8').trim()}/status`)).toThrow('ENOENT');
  });
  test('that lists without an end is ended, too', async () => {
    const { sources, warnings } = sourcesOf('exec yes "{"');
    expect(await listLogins(sources, never)).toEqual([]);
    expect(warnings).toEqual(['docker-credential-it says more than is read of it']);
  });
});
