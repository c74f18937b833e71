import { readFileSync } from 'node:fs';
import { openStore } from '../../src/store/open.ts';

/** Puts many small files as one durable batch: `put-small.ts ROOT FOLDER COUNT`. */
const [root = '', folder = '', count = ''] = process.argv.slice(2);
await using store = openStore(root, { now: Date.now, monotonic: () => 0, bootId: '' });
const batch = store.blobs.batch();
for (let at = 0; at < Number(count); at += 1) batch.add(readFileSync(`${folder}/${at}`));
await batch.commit(new AbortController().signal);
