import { expect, test } from 'vitest';
import { halfMd4 } from './half-md4.ts';

const none = [0, 0, 0, 0];
/** That of the UUID 01234567-89ab-cdef-0123-456789abcdef. */
const seed = [0x6745_2301, 0xefcd_ab89, 0x6745_2301, 0xefcd_ab89];

test.each([
  ['a', none, 0xd5fa_7d7a],
  ['a', seed, 0x35dc_0cc4],
  ['file-with-long-name-1', seed, 0x2291_c146],
  ['x'.repeat(33), seed, 0x9a80_601e],
  ['grüße', seed, 0xb408_7bec],
  ['y'.repeat(255), seed, 0x86f7_304e],
])('%s has the hash that debugfs says', (name, words, hash) => {
  expect(halfMd4(Buffer.from(name), { seed: words, characters: 'signed' })).toBe(hash);
});

test('signed characters differ from unsigned ones only beyond ASCII', () => {
  const both = (name: string): readonly number[] =>
    (['signed', 'unsigned'] as const).map((characters) => halfMd4(Buffer.from(name), { seed, characters }));
  expect(new Set(both('plain')).size).toBe(1);
  expect(new Set(both('grüße')).size).toBe(2);
});
