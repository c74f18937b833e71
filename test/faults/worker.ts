import fs from 'node:fs';
import { createHash } from 'node:crypto';
import { syncBuiltinESMExports } from 'node:module';
import type { Store } from '../../src/store/store.ts';

/**
 * A process that works on a store and says what was acknowledged, a line each, after the promise has resolved:
 * `worker.ts ROOT SEED ROUNDS [broken]`. With `broken` every fsync of a file is skipped: the control.
 */
const [root = '', seed = '', rounds = '1', broken = ''] = process.argv.slice(2);
if (broken === 'broken') skipSyncs();
const { openStore } = await import('../../src/store/open.ts');
const { digestOf } = await import('../../src/base/digest.ts');

const signal = new AbortController().signal;
const store: Store = openStore(root, { now: Date.now, monotonic: () => 0, bootId: '' });
for (let round = 0; round < Number(rounds); round += 1) await work(round);
await store[Symbol.asyncDispose]();
acknowledge('end', '');

async function work(round: number): Promise<void> {
  const large = await Promise.all(
    [1, 2, 3].map((at) => store.blobs.write(one(bytesOf(`${round} large ${at}`, 200_000)), signal)),
  );
  for (const { digest } of large) acknowledge('blob', digest);
  const batch = store.blobs.batch();
  const small = Array.from({ length: 20 }, (_, at) => batch.add(bytesOf(`${round} small ${at}`, 1 + at * 97)));
  await batch.commit(signal);
  for (const digest of small) acknowledge('blob', digest);
  const key = digestOf(`${seed} ${round}`);
  const outputs = [...small, ...large.map((info) => info.digest)].map((digest) => ({ kind: 'blob' as const, digest }));
  store.actions.save([{ key, outputs, detail: round }]);
  acknowledge('action', key);
}

/** Bytes that depend on the seed and a label alone. */
function bytesOf(label: string, size: number): Uint8Array {
  const block = createHash('sha512').update(`${seed} ${label}`).digest();
  return Buffer.alloc(size, block);
}

async function* one(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield await Promise.resolve(bytes);
}

function acknowledge(kind: string, name: string): void {
  fs.writeSync(1, `${kind} ${name}\n`);
}

function skipSyncs(): void {
  const now = (): undefined => undefined;
  const later = (_fd: number, done: (error: null) => void): void => void setImmediate(done, null);
  Object.assign(fs, { fsyncSync: now, fdatasyncSync: now, fsync: later, fdatasync: later });
  syncBuiltinESMExports();
}
