import { closeSync, openSync } from 'node:fs';
import { writeFully } from '../../src/store/disk/durable.ts';
import { openStoreAt } from '../../src/wiring.ts';

/** Gets everything a store has, verified, one after another into one file: `get ROOT FILE`. */
const [root = '', file = ''] = process.argv.slice(2);
const { signal } = new AbortController();
await using store = openStoreAt(root);
const fd = openSync(file, 'w');
const blobs = [...store.list()];
for (const { digest, packed } of blobs) {
  const content = packed ? [store.blobs.get(digest)] : await store.blobs.open(digest, signal);
  for await (const chunk of content ?? []) if (chunk !== undefined) writeFully(fd, chunk);
}
closeSync(fd);
