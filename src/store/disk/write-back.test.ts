import { expect, test } from 'vitest';
import { createWriteBack } from './write-back.ts';

const enough = 64 << 20;

/** Syncs that end when the test says so; `calls` tells which were asked for. */
function syncs() {
  const calls: string[] = [];
  const data: PromiseWithResolvers<void>[] = [];
  const whole = Promise.withResolvers<void>();
  const sync = {
    data() {
      calls.push('data');
      data.push(Promise.withResolvers());
      return data.at(-1)?.promise ?? Promise.resolve();
    },
    whole() {
      calls.push('whole');
      return whole.promise;
    },
  };
  return { sync, calls, data, whole };
}

/** Whether a promise is still open once everything that was ready has run. */
async function isOpen(promise: Promise<void>): Promise<boolean> {
  let open = true;
  void promise.finally(() => (open = false)).catch(() => undefined);
  await new Promise(setImmediate);
  return open;
}

test('a file is durable only after its last sync, also when an early one ends in between', async () => {
  const { sync, data, whole } = syncs();
  const file = createWriteBack(sync);
  file.wrote(enough);
  const finished = file.finish();
  data[0]?.resolve();
  expect(await isOpen(finished)).toBe(true);
  whole.resolve();
  await finished;
});

test('a file is durable only after an early sync that outlasts the last one', async () => {
  const { sync, data, whole } = syncs();
  const file = createWriteBack(sync);
  file.wrote(enough);
  const finished = file.finish();
  whole.resolve();
  expect(await isOpen(finished)).toBe(true);
  data[0]?.resolve();
  await finished;
});

test('early syncs come every so many bytes and one at a time', async () => {
  const { sync, calls, data } = syncs();
  const file = createWriteBack(sync);
  file.wrote(enough - 1);
  expect(calls).toEqual([]);
  file.wrote(1);
  file.wrote(enough);
  expect(calls).toEqual(['data']);
  data[0]?.resolve();
  await new Promise(setImmediate);
  file.wrote(1);
  expect(calls).toEqual(['data', 'data']);
});

test('an early sync that failed is the failure of the file, and it is not synced again', async () => {
  const { sync, calls, data } = syncs();
  const file = createWriteBack(sync);
  file.wrote(enough);
  data[0]?.reject(new Error('EIO'));
  await new Promise(setImmediate);
  file.wrote(enough);
  await expect(file.finish()).rejects.toThrow('EIO');
  expect(calls).toEqual(['data']);
});

test('disposing waits for the syncs that are under way, whatever they come to', async () => {
  const { sync, data, whole } = syncs();
  const file = createWriteBack(sync);
  file.wrote(enough);
  const finished = file.finish();
  data[0]?.reject(new Error('EIO'));
  await expect(finished).rejects.toThrow('EIO');
  const disposed = Promise.resolve(file[Symbol.asyncDispose]());
  expect(await isOpen(disposed)).toBe(true);
  whole.resolve();
  await disposed;
});
