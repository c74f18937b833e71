import fc from 'fast-check';
import { expect, test } from 'vitest';
import { parseStrictJson } from './strict-json.ts';

test('JSON is what it says', () => {
  fc.assert(
    fc.property(fc.json(), (text) => {
      expect(parseStrictJson(Buffer.from(text), 'x')).toEqual(JSON.parse(text));
    }),
  );
});

test.each([
  ['a key twice', '{"layers":[],"layers":[1]}'],
  ['a key twice, once escaped', String.raw`{"a":1,"\u0061":2}`],
  ['a key twice, deep', '[{"x":{"a":{},"b":"{","a":1}}]'],
  ['a byte order mark', '\uFEFF{}'],
  ['something behind', '{}x'],
  ['nothing', ''],
])('with %s is refused', (_, text) => {
  expect(() => parseStrictJson(Buffer.from(text), 'x')).toThrow(expect.objectContaining({ code: 'PK3301' }));
});

test('bytes that are no UTF-8 are refused, and the same key in two objects is not', () => {
  expect(() => parseStrictJson(Buffer.from([0x22, 0xff, 0x22]), 'x')).toThrow(/malformed/);
  expect(parseStrictJson(Buffer.from('[{"a":"a:"},{"a":{"a":1}}]'), 'x')).toEqual([{ a: 'a:' }, { a: { a: 1 } }]);
});

test('great depth and length are no problem', () => {
  const deep = `${'['.repeat(100_000)}${']'.repeat(100_000)}`;
  expect(() => parseStrictJson(Buffer.from(deep), 'x')).not.toThrow(TypeError);
  const long = JSON.stringify('"'.repeat(1_000_000));
  expect(parseStrictJson(Buffer.from(long), 'x')).toHaveLength(1_000_000);
});
