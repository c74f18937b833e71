import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll } from 'vitest';
import { createLayeredStore } from '../../src/store/layered.ts';
import { createMemoryStore } from '../../src/store/memory.ts';
import { openStore } from '../../src/store/open.ts';
import type { Store } from '../../src/store/store.ts';
import { blobStoreContract, smallBlobsContract } from './blob-store.ts';

const root = mkdtempSync(join(tmpdir(), 'portkit-contract-'));
const opened: Store[] = [];

function open(): Store['blobs'] {
  const store = openStore(root, { now: () => 1 });
  opened.push(store);
  return store.blobs;
}

afterAll(async () => {
  for (const store of opened) await store[Symbol.asyncDispose]();
  rmSync(root, { recursive: true, force: true });
});

blobStoreContract('memory', createMemoryStore);
blobStoreContract('layered', () => createLayeredStore(createMemoryStore(), createMemoryStore()));
blobStoreContract('disk', open);
smallBlobsContract('memory', createMemoryStore);
smallBlobsContract('disk', open);
