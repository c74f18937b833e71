import { digestOf } from '../../src/base/digest.ts';
import { openStore } from '../../src/store/open.ts';

/** Looks 30 of 10,000 records up in a cold process; `look-up.ts ROOT make` makes them first. */
const [root = '', make] = process.argv.slice(2);
await using store = openStore(root, { now: () => 1, monotonic: () => 0, bootId: '' });
if (make === 'make') {
  const batch = store.blobs.batch();
  const digest = batch.add(Buffer.from('output'));
  await batch.commit(new AbortController().signal);
  const keys = Array.from({ length: 10_000 }, (_, at) => digestOf(`key ${at}`));
  store.actions.save(keys.map((key) => ({ key, outputs: [{ kind: 'blob', digest }], detail: null })));
}
for (let at = 0; at < 30; at += 1) {
  if (store.actions.lookup(digestOf(`key ${at * 331}`)) === undefined) throw new Error('A record is missing');
}
