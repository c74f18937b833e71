import { expect, test } from 'vitest';
import { parseManifest } from './manifest.ts';
import { mediaTypes } from './media-types.ts';
import { describe, produceIndex } from './produce.ts';
import { reproduceIndex } from './reproduce.ts';

const [one, two] = ['one', 'two'].map((text) => describe(Buffer.from(text), mediaTypes.manifest));
if (one === undefined || two === undefined) throw new Error('There are two');

test('what others say of an index and of its entries stays, and nothing of what was taken away', () => {
  const said = {
    schemaVersion: 2,
    manifests: [
      { ...one, urls: ['https://example.org/one'], annotations: { tag: 'gone' } },
      { ...two, data: 'e30=' },
    ],
    'org.example': { a: 1 },
  };
  const before = parseManifest(Buffer.from(JSON.stringify(said)), { shown: 'index' });
  if (before.kind !== 'index') throw new Error('It is an index');
  const { bytes, descriptor } = reproduceIndex(before, [one]);
  expect(JSON.parse(Buffer.from(bytes).toString())).toEqual({
    schemaVersion: 2,
    mediaType: mediaTypes.index,
    manifests: [{ ...one, urls: ['https://example.org/one'] }],
    'org.example': { a: 1 },
  });
  expect(descriptor).toEqual(describe(Buffer.from(bytes), mediaTypes.index));
});

test('an index of ours has the bytes of a new one', () => {
  const before = parseManifest(produceIndex({ manifests: [one] }).bytes, { shown: 'index' });
  if (before.kind !== 'index') throw new Error('It is an index');
  expect(reproduceIndex(before, [two])).toEqual(produceIndex({ manifests: [two] }));
  expect(reproduceIndex(undefined, [two])).toEqual(produceIndex({ manifests: [two] }));
});
