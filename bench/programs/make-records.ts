import { digestOf } from '../../src/base/digest.ts';
import { openStoreAt } from '../../src/wiring.ts';

/** Stores 10,000 action records for `look-up`: `make-records ROOT`. */
await using store = openStoreAt(process.argv[2] ?? '');
const batch = store.blobs.batch();
const digest = batch.add(Buffer.from('output'));
await batch.commit(new AbortController().signal);
const keys = Array.from({ length: 10_000 }, (_, at) => digestOf(`key ${at}`));
store.actions.save(keys.map((key) => ({ key, outputs: [{ kind: 'blob', digest }], detail: null })));
