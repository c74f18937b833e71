import { mkdirSync } from 'node:fs';
import { createStatCache } from '../../src/store/host/stat-cache.ts';
import { snapshot } from '../../src/store/host/snapshot.ts';
import { openStoreAt } from '../../src/wiring.ts';
import { printPeak } from './peak.ts';

/** Takes a folder into a store, remembering stats: `snapshot ROOT FOLDER CACHE`. */
const [root = '', folder = '', remembered = ''] = process.argv.slice(2);
mkdirSync(remembered, { recursive: true });
await using store = openStoreAt(root);
await snapshot(folder, store, { cache: createStatCache(remembered), signal: new AbortController().signal });
printPeak();
