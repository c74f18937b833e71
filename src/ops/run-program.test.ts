import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { runProgram } from './run-program.ts';
import { unxzWith } from './unxz.ts';

const { signal } = new AbortController();
const env = { PATH: '/usr/bin:/bin' };

async function* once(text: string): AsyncGenerator<Uint8Array> {
  yield await Promise.resolve(Buffer.from(text));
}

test('a program is given input, and gives output, its status and its last words', async () => {
  const { stdout, ended } = runProgram({ argv: ['sh', '-c', 'cat; echo bad >&2; exit 3'], env, input: once('abc'), signal });
  expect(Buffer.concat(await Array.fromAsync(stdout)).toString()).toBe('abc');
  expect(await ended).toEqual({ status: 3, stderr: 'bad\n' });
});

test('the words of a program cannot steer a terminal', async () => {
  const loud = runProgram({ argv: ['sh', '-c', String.raw`printf 'a\033[2Jb\r\nc\302\233' >&2`], env, signal });
  await Array.fromAsync(loud.stdout);
  expect((await loud.ended).stderr).toBe('a[2Jb\nc');
});

test('a program sees no other environment', async () => {
  const { stdout, ended } = runProgram({ argv: ['env'], env: { ...env, A: 'b' }, signal });
  expect(Buffer.concat(await Array.fromAsync(stdout)).toString()).toBe('PATH=/usr/bin:/bin\nA=b\n');
  await ended;
});

test('a program that is not there is named with its package', async () => {
  const { stdout, ended } = runProgram({ argv: ['xz'], env: { PATH: '/nowhere' }, signal });
  await Array.fromAsync(stdout);
  await expect(ended).rejects.toMatchObject({ code: 'PK6901', hint: expect.stringContaining('xz-utils') });
  await expect(Array.fromAsync(unxzWith(runProgram, '/nowhere')(once('x'), signal))).rejects.toMatchObject({ code: 'PK6901' });
});

test('what is no xz is malformed', async () => {
  await expect(Array.fromAsync(unxzWith(runProgram, env.PATH)(once('x'), signal))).rejects.toMatchObject({ code: 'PK3304' });
});

test('an abort ends a program and what it started', async () => {
  const stop = new AbortController();
  const { stdout, ended } = runProgram({ argv: ['sh', '-c', 'sleep 1000 & echo $!; wait'], env, signal: stop.signal });
  const chunks = stdout[Symbol.asyncIterator]();
  const child = Number(Buffer.from((await chunks.next()).value ?? []).toString());
  stop.abort(new Error('enough'));
  await expect(ended).rejects.toThrow('enough');
  await expect.poll(() => isRunning(child)).toBe(false);
});

test('an abort does not wait for what left the group of its program and holds its output', async () => {
  const stop = new AbortController();
  const argv = ['setsid', 'sh', '-c', 'setsid sleep 1000 & echo $!; wait'] as const;
  const { stdout, ended } = runProgram({ argv, env, signal: stop.signal });
  const chunks = stdout[Symbol.asyncIterator]();
  const away = Number(Buffer.from((await chunks.next()).value ?? []).toString());
  try {
    const next = chunks.next();
    stop.abort(new Error('enough'));
    await expect(next).rejects.toThrow('enough');
    await expect(ended).rejects.toThrow('enough');
    expect(isRunning(away)).toBe(true);
  } finally {
    process.kill(away, 'SIGKILL');
  }
});

/** A killed process may still be there as a zombie until its parent looks. */
function isRunning(pid: number): boolean {
  try {
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
  } catch {
    return false;
  }
}
