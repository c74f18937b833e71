import fc from 'fast-check';
import { expect, test } from 'vitest';
import { catcher } from './catch.ts';
import type { Sought } from './catch.ts';

function caught(sought: Sought, parts: readonly string[]): string | undefined {
  const one = catcher(sought);
  for (const [at, part] of parts.entries()) one.see(Buffer.from(part), at === parts.length - 1);
  return one.caught()?.toString();
}

const sought: Sought = { begin: 'ab', end: 'c', most: 4, accept: (bytes) => !bytes.includes('x') };

test.each([
  ['a first piece', 'xxab12cab34c', '12'],
  ['the next when one is not accepted', 'abxcab34c', '34'],
  ['the next when one has no end', 'ab12345cab34c', '34'],
  ['one at the very end', 'ab1234c', '1234'],
  ['an empty one', 'abc', ''],
  ['one that begins within another', 'abxab1c', '1'],
])('%s is caught', (_, text, expected) => {
  expect(caught(sought, [text])).toBe(expected);
});

test.each(['', 'ab', 'ab12345c', 'abxc', 'a'])('nothing is caught in "%s"', (text) => {
  expect(caught(sought, [text])).toBeUndefined();
});

test('after many beginnings without an end, the search is over', () => {
  expect(caught(sought, ['ab-----'.repeat(15) + 'ab1c'])).toBe('1');
  expect(caught(sought, ['ab-----'.repeat(16) + 'ab1c'])).toBeUndefined();
});

test('where the parts end makes no difference', () => {
  const texts = fc.string({ unit: fc.constantFrom('a', 'b', 'c', 'x', '1'), maxLength: 40 });
  fc.assert(
    fc.property(texts, fc.array(fc.nat(40), { maxLength: 6 }), (text, places) => {
      const cuts = [0, ...places.filter((place) => place < text.length).toSorted((a, b) => a - b), text.length];
      const parts = cuts.slice(1).map((cut, at) => text.slice(cuts[at], cut));
      expect(caught(sought, parts)).toBe(caught(sought, [text]));
    }),
    { numRuns: 2000 },
  );
});
