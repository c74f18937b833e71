import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe } from 'vitest';
import { createMemoryStore } from '../../src/store/memory.ts';
import { openRig, whyNoSandbox } from '../sandbox/rig.ts';
import type { Rig } from '../sandbox/rig.ts';
import { executorContract, fakePrograms } from './executor.ts';
import { createFakeExecutor } from './fake-executor.ts';

executorContract('the fake', () => {
  const blobs = createMemoryStore();
  return { blobs, executor: createFakeExecutor(blobs, fakePrograms) };
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
