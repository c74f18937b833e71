import { expect, test } from 'vitest';
import { memoryLayout } from '../layout/memory.ts';
import { describe as describeBlob } from '../model/produce.ts';
import { bytesSource } from '../model/read.ts';
import type { CopyEvent } from './events.ts';
import { observed, observedTarget } from './observed.ts';

const { signal } = new AbortController();
const bytes = Buffer.from('some content');
const descriptor = describeBlob(bytes, 'text/plain');

function listener() {
  const events: CopyEvent[] = [];
  return { tell: (event: CopyEvent) => void events.push(event), said: () => events.map(({ state, bytes: at }) => [state, at]) };
}

async function* halves() {
  yield bytes.subarray(0, 5);
  yield bytes.subarray(5);
}

const whole = [
  ['begun', 0],
  ['progress', 5],
  ['progress', 12],
  ['stored', 12],
];

test('content that is read is told of as a copy is, and stays what it was', async () => {
  const { tell, said } = listener();
  expect(Buffer.concat(await Array.fromAsync(observed(halves(), descriptor, tell)))).toEqual(bytes);
  expect(said()).toEqual(whole);
});

test('content that breaks off is never told to be whole', async () => {
  const { tell, said } = listener();
  async function* broken() {
    yield bytes.subarray(0, 5);
    throw new Error('cut');
  }
  await expect(Array.fromAsync(observed(broken(), descriptor, tell))).rejects.toThrow('cut');
  expect(said()).toEqual(whole.slice(0, 2));
});

test('what is pushed is told of, also when it was there', async () => {
  const { tell, said } = listener();
  const layout = memoryLayout();
  const target = observedTarget(layout, tell);
  expect(await target.push(descriptor, { open: halves }, signal)).toBe('stored');
  expect(said()).toEqual(whole);
  expect(await target.push(descriptor, bytesSource(bytes), signal)).toBe('existed');
  expect(said().slice(4)).toEqual([
    ['begun', 0],
    ['existed', 12],
  ]);
  expect(await target.exists(descriptor, signal)).toBe(true);
});
