import { expect, test } from 'vitest';
import { printable, printableJson } from './printable.ts';

const steering = '\u001b[2J\u009b2J\u202e\u2066\u007f';

test('text that could steer a terminal does not', () => {
  expect(printable(`a\tb${steering}`)).toMatch(/^a b[\ufffd[2J]+$/);
});

test('JSON is the same value, and steers no terminal', () => {
  const value = { [steering]: [steering, 'Ünicode 漢'] };
  const text = printableJson(value);
  expect(JSON.parse(text)).toEqual(value);
  expect(text).toContain('Ünicode 漢');
  expect(text.replaceAll('\n', '')).toBe(printable(text.replaceAll('\n', '')));
});
