import { mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { SpawnError, createSpawner } from '../../src/execution/spawner.ts';
import type { SpawnEnd, SpawnRequest } from '../../src/execution/spawner-protocol.ts';
import type { Spawner } from '../../src/execution/spawner.ts';
import { countProcesses, whyNoSandbox } from './rig.ts';

const { signal } = new AbortController();
let folder: string;
let spawner: Spawner;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'portkit-spawner-'));
  spawner = createSpawner({ folder });
});

afterEach(async () => {
  await spawner[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true });
});

async function start(request: SpawnRequest): Promise<{ end: SpawnEnd; said: string }> {
  let said = '';
  const end = await spawner.run(request, {
    signal,
    output: (stream, bytes) => (said += `${stream}: ${Buffer.from(bytes).toString()}`),
  });
  return { end, said };
}

/** The helpers of this process: those of its children that run the helper's program. */
function helpers(): readonly number[] {
  const pids = readFileSync(`/proc/self/task/${process.pid}/children`, 'utf8').split(' ').filter(Boolean);
  return pids.filter((pid) => readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes('spawner-process')).map(Number);
}

test('a program gets what its descriptors are told to hold, and no environment', async () => {
  const feed = Buffer.from('fed').toString('base64');
  const text = 'cat <&3; cat <&4; echo told >&5; env | sort; readlink /proc/self/cwd >&2; umask';
  const { end, said } = await start({
    argv: ['/bin/sh', '-c', text],
    descriptors: [{ feed }, { file: '/etc/hostname' }, 'report'],
  });
  expect(end).toMatchObject({ status: 0, signal: null, timedOut: false, report: 'told\n' });
  expect(said).toContain(`stdout: fed`);
  expect(said).toContain(readFileSync('/etc/hostname', 'utf8'));
  expect(said).toContain('PWD=/\n');
  expect(said).not.toContain('PATH');
  expect(said).toContain('stderr: /\n');
  expect(said).toContain('0022\n');
});

test('how it ended is told apart', async () => {
  expect((await start({ argv: ['/bin/sh', '-c', 'exit 9'] })).end).toMatchObject({ status: 9, signal: null });
  expect((await start({ argv: ['/bin/sh', '-c', 'kill -TERM $$'] })).end).toMatchObject({ status: null, signal: 'SIGTERM' });
  expect((await start({ argv: ['/bin/sleep', '60'], timeoutMs: 50 })).end).toMatchObject({ signal: 'SIGKILL', timedOut: true });
  await expect(start({ argv: ['/no/such/program'] })).rejects.toMatchObject({ name: 'SpawnError', code: 'ENOENT' });
  await expect(start({ argv: ['/bin/true'], descriptors: [{ file: '/no/such/file' }] })).rejects.toMatchObject({
    code: 'ENOENT',
  });
});

test('descriptors and names are not left behind', async () => {
  await Promise.all([1, 2, 3].map(() => start({ argv: ['/bin/true'] })));
  const open = (): number => readdirSync(`/proc/${helpers()[0]}/fd`).length;
  const before = open();
  for (let count = 0; count < 20; count += 1)
    await start({ argv: ['/bin/true'], descriptors: [{ file: '/etc/hostname' }, 'report'] });
  expect(open()).toBe(before);
  expect(readdirSync(folder)).toEqual([]);
});

test('when the helper dies, its command dies and the next one gets a new helper', async (context) => {
  const why = whyNoSandbox();
  context.skip(why !== undefined, why);
  const word = String(700_000_000 + process.pid);
  const [helper = 0] = helpers();
  const running = spawner.run(
    {
      argv: [
        '/usr/bin/bwrap',
        '--unshare-pid',
        '--die-with-parent',
        '--ro-bind',
        '/',
        '/',
        '--',
        '/bin/sh',
        '-c',
        `echo; sleep ${word}; true`,
      ],
    },
    {
      signal,
      output: () => process.kill(helper, 'SIGKILL'),
    },
  );
  await expect(running).rejects.toThrow(SpawnError);
  while (countProcesses(word) > 0) await setTimeout(10);
  expect((await start({ argv: ['/bin/echo', 'again'] })).said).toBe('stdout: again\n');
  expect(helpers()).not.toContain(helper);
});
