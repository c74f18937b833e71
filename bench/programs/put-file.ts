import { openStore } from '../../src/store/open.ts';

/** Puts one file: `put-file.ts ROOT FILE`. */
const [root = '', file = ''] = process.argv.slice(2);
await using store = openStore(root, { now: Date.now, monotonic: () => 0, bootId: '' });
await store.blobs.writeFile(file, new AbortController().signal);
