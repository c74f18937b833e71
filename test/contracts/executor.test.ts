import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createLazyExecutor } from '../../src/execution/lazy.ts';
import { createMemoryStore } from '../../src/store/memory.ts';
import { openRig, run, script, whyNoSandbox } from '../sandbox/rig.ts';
import type { Rig } from '../sandbox/rig.ts';
import { executorContract, fakePrograms } from './executor.ts';
import { createFakeExecutor } from './fake-executor.ts';

executorContract('the fake', () => {
  const blobs = createMemoryStore();
  return { blobs, executor: createFakeExecutor(blobs, fakePrograms) };
});

executorContract('one that is opened late', () => {
  const blobs = createMemoryStore();
  const dispose = (): Promise<void> => Promise.resolve();
  const open = (): ReturnType<Parameters<typeof createLazyExecutor>[0]> =>
    Promise.resolve({ ...createFakeExecutor(blobs, fakePrograms), [Symbol.asyncDispose]: dispose });
  return { blobs, executor: createLazyExecutor(open) };
});

test('it is opened once, by the first command, and closed when it was opened', async () => {
  const done: string[] = [];
  const open = (): ReturnType<Parameters<typeof createLazyExecutor>[0]> => {
    done.push('open');
    return Promise.resolve({
      run: () => Promise.resolve({ how: 'exited', status: 1 }),
      [Symbol.asyncDispose]: () => Promise.resolve(void done.push('close')),
    });
  };
  await createLazyExecutor(open)[Symbol.asyncDispose]();
  expect(done).toEqual([]);
  const lazy = createLazyExecutor(open);
  await Promise.all([run(lazy, script('')), run(lazy, script(''))]);
  await lazy[Symbol.asyncDispose]();
  expect(done).toEqual(['open', 'close']);
});

const why = whyNoSandbox();
if (why !== undefined) console.log(`Skipped: the executor of this machine (${why})`);

describe.skipIf(why !== undefined)('on this machine', () => {
  const folder = mkdtempSync(join(tmpdir(), 'portkit-executor-'));
  let rig: Rig;
  beforeAll(async () => {
    rig = await openRig(folder);
  });
  afterAll(async () => {
    await rig[Symbol.asyncDispose]();
    rmSync(folder, { recursive: true, force: true });
  });
  executorContract('the sandbox', () => ({ executor: rig.executor, blobs: rig.store.blobs }));
});
