import { expect, test } from 'vitest';
import { showDuration, showSize } from './units.ts';

test('sizes for people', () => {
  expect([0, 1, 1023, 1024, 1536, 2 ** 30, 2 ** 60].map(showSize)).toEqual([
    '0 B',
    '1 B',
    '1023 B',
    '1.0 KiB',
    '1.5 KiB',
    '1.0 GiB',
    '1048576.0 TiB',
  ]);
});

test('times for people', () => {
  expect([0, 40, 950, 59_949, 59_950, 61_000, 3_599_000, 3_600_000, 90_061_000].map(showDuration)).toEqual([
    '0.0 s',
    '0.0 s',
    '0.9 s',
    '59.9 s',
    '1 m 00 s',
    '1 m 01 s',
    '59 m 59 s',
    '1 h 00 m',
    '25 h 01 m',
  ]);
});
