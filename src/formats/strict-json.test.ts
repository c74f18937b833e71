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

test('great depth is refused, and great length is no problem', () => {
  const nested = (depth: number) => Buffer.from(`{"a":${'['.repeat(depth)}${']'.repeat(depth)}}`);
  expect(() => parseStrictJson(nested(100_000), 'x')).toThrow(expect.objectContaining({ code: 'PK3301' }));
  expect(parseStrictJson(nested(999), 'x')).toBeTypeOf('object');
  expect(parseStrictJson(Buffer.from(`[${'[],'.repeat(5000)}1]`), 'x')).toHaveLength(5001);
  const long = JSON.stringify('"'.repeat(1_000_000));
  expect(parseStrictJson(Buffer.from(long), 'x')).toHaveLength(1_000_000);
  for (const part of ['x', '\n', '\\'])
    expect(parseStrictJson(Buffer.from(JSON.stringify({ payload: part.repeat(24 << 20) })), 'x')).toHaveProperty('payload');
});

test('the ends of strings are found', () => {
  const ends = ['', '"', '\\', '\\"', '\\\\', '"\\', '{', '":', '\\":{'];
  const value = Object.fromEntries(ends.map((text) => [text, ends]));
  expect(parseStrictJson(Buffer.from(JSON.stringify(value)), 'x')).toEqual(value);
});
