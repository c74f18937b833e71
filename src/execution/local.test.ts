import { chmodSync, existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Digest } from '../base/digest.ts';
import { openStore } from '../store/open.ts';
import type { Store } from '../store/store.ts';
import { decodeNode } from '../store/trees/decode.ts';
import type { Command, Ended, Executor } from './executor.ts';
import { createLocalExecutor } from './local.ts';
import { createSpawner } from './spawner.ts';
import type { Spawner } from './spawner.ts';

const { signal } = new AbortController();
let folder: string;
let store: Store;
let spawner: Spawner;
let executor: Executor & AsyncDisposable;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'portkit-exec-'));
  chmodSync(folder, 0o711);
  store = openStore(join(folder, 'store'), { now: () => 1, monotonic: () => 0, bootId: '' });
  spawner = createSpawner({ folder });
  const folders = { scratch: join(folder, 'scratch'), caches: join(folder, 'caches') };
  executor = await createLocalExecutor({ store, spawner, folders, bwrap: '/usr/bin/bwrap', keepBytes: 0 }, signal);
});

afterAll(async () => {
  await executor[Symbol.asyncDispose]();
  await spawner[Symbol.asyncDispose]();
  await store[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true, force: true });
});

async function sh(script: string, change: Partial<Command> = {}): Promise<{ ended: Ended; stdout: string; stderr: string }> {
  const said = { stdout: '', stderr: '' };
  const command: Command = {
    argv: ['/bin/sh', '-c', script],
    inputs: [],
    root: 'host',
    env: {},
    cwd: '/tmp',
    network: false,
    caches: [],
    secrets: [],
    ...change,
  };
  const ended = await executor.run(command, {
    signal,
    output: (stream, bytes) => (said[stream] += Buffer.from(bytes).toString()),
  });
  return { ended, ...said };
}

function outOf(ended: Ended): Digest {
  if (ended.how !== 'exited' || ended.out === undefined) throw new Error(`No output: ${JSON.stringify(ended)}`);
  return ended.out;
}

test('what is left in /out is a tree in the store, the same whenever it is made', async () => {
  const script = 'mkdir -p /out/d && echo hello > /out/d/file && ln -s file /out/d/link && chmod 750 /out/d/file';
  const first = outOf((await sh(script)).ended);
  const node = decodeNode(store.blobs.get(first) ?? new Uint8Array(), first);
  expect(node).toMatchObject({ mode: 0o755, uid: 0, gid: 0, mtime: { seconds: 0, nanos: 0 } });
  expect(node.entries.map(({ name, type }) => [name, type])).toEqual([['d', 'dir']]);
  expect(outOf((await sh(script)).ended)).toBe(first);
});

test('inputs are at /in, read-only, a tree as a folder and a blob as a file', async () => {
  const tree = outOf((await sh('echo one > /out/a; chmod 600 /out/a')).ended);
  const batch = store.blobs.batch();
  const blob = batch.add(Buffer.from('two\n'));
  await batch.commit(signal);
  const inputs = [
    { name: 'tree', ref: { kind: 'tree', digest: tree } },
    { name: 'blob', ref: { kind: 'blob', digest: blob } },
  ] as const;
  const { stdout, stderr } = await sh('cat /in/tree/a /in/blob; chmod u+w /in/blob; touch /in/tree/b /in/c', { inputs });
  expect(stdout).toBe('one\ntwo\n');
  expect(stderr.match(/Read-only file system/g)).toHaveLength(3);
});

test('nothing of a run remains in the scratch folder', async () => {
  await sh('mkdir -p /tmp/x/y /out/z && touch /tmp/x/y/f && chmod 0 /tmp/x /out/z');
  const { stdout } = await sh('ls -A /tmp /out');
  expect(stdout).toBe('/out:\n\n/tmp:\n');
  expect(existsSync(join(folder, 'caches'))).toBe(true);
});

test('a limit of memory ends the command and is told apart', async () => {
  const script = 'x=$(head -c 300000000 /dev/zero | tr "\\0" x); echo ${#x}';
  expect((await sh(script, { memoryBytes: 64 << 20 })).ended).toEqual({ how: 'out-of-memory' });
});

test('a limit of processes is kept', async () => {
  const script = 'for i in 1 2 3 4 5 6 7 8 9; do sleep 5 & done; echo all';
  expect(await sh(script, { processes: 5 })).toMatchObject({ ended: { how: 'exited', status: 2 }, stdout: '' });
});
