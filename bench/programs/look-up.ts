import { digestOf } from '../../src/base/digest.ts';
import { openStoreAt } from '../../src/wiring.ts';

/** Looks 30 of 10,000 records up: `look-up ROOT`. */
await using store = openStoreAt(process.argv[2] ?? '');
for (let at = 0; at < 30; at += 1) {
  if (store.actions.lookup(digestOf(`key ${at * 331}`)) === undefined) throw new Error('A record is missing');
}
