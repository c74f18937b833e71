import { expect, test } from 'vitest';
import { parseDuration, parseSize } from './sizes.ts';

test.each([
  ['0', 0],
  ['512', 512],
  ['10GiB', 10 * 2 ** 30],
  ['1.5MiB', 1.5 * 2 ** 20],
  ['500MB', 500e6],
])('the size %s', (text, bytes) => {
  expect(parseSize(text, 'max-size')).toBe(bytes);
});

test.each([
  ['90s', 90_000],
  ['12h', 43_200_000],
  ['7d', 604_800_000],
  ['2w', 1_209_600_000],
])('the time %s', (text, ms) => {
  expect(parseDuration(text, 'keep')).toBe(ms);
});

test.each(['', ' ', '10 GiB', '-1', '1e3', '10gib', '1.', '.5', '0x10', 'GiB', '10constructor', '999999999999999TiB', 'NaN'])(
  'neither a size nor a time: %j',
  (text) => {
    const refused = expect.objectContaining({ code: 'PK1004', hint: expect.stringContaining('--option') });
    expect(() => parseSize(text, 'option')).toThrow(refused);
    expect(() => parseDuration(text, 'option')).toThrow(refused);
  },
);
