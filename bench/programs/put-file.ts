import { openStoreAt } from '../../src/wiring.ts';
import { printPeak } from './peak.ts';

/** Puts files: `put-file ROOT FILE…`. */
const [root = '', ...files] = process.argv.slice(2);
await using store = openStoreAt(root);
for (const file of files) await store.blobs.writeFile(file, new AbortController().signal);
printPeak();
