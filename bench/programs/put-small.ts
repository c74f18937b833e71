import { readFileSync } from 'node:fs';
import { openStoreAt } from '../../src/wiring.ts';
import { printPeak } from './peak.ts';

/** Puts many small files as one durable batch: `put-small ROOT LIST`, where LIST has a path per line. */
const [root = '', list = ''] = process.argv.slice(2);
await using store = openStoreAt(root);
const batch = store.blobs.batch();
for (const path of readFileSync(list, 'utf8').trim().split('\n')) batch.add(readFileSync(path));
await batch.commit(new AbortController().signal);
printPeak();
