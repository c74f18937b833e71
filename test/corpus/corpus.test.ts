import { describe, expect, test } from 'vitest';
import { digestOf } from '../../src/base/digest.ts';
import { stream } from '../formats/cpio.ts';
import { arCases, debCases } from './ar.ts';
import { cpioCases } from './cpio.ts';
import { outcome, readers } from './readers.ts';
import { tarCases } from './tar.ts';

const corpus = { tar: tarCases, cpio: cpioCases, ar: arCases, deb: debCases };

describe.each(['tar', 'cpio', 'ar', 'deb'] as const)('a hostile %s', (format) => {
  test.each(corpus[format])('with %s', async (_what, bytes, expected) => {
    expect(await outcome(readers[format], stream(bytes))).toBe(expected);
    // Where the chunks end makes no difference.
    expect(await outcome(readers[format], stream(bytes, bytes.length > 2 ** 16 ? 65_521 : 7))).toBe(expected);
  });

  test('comes once in the corpus', () => {
    const first = new Map<string, string>();
    for (const [what, bytes] of corpus[format]) {
      const digest = digestOf(bytes);
      expect(first.get(digest), what).toBeUndefined();
      first.set(digest, what);
    }
  });
});

test('the corpus is large', () => {
  expect(Object.values(corpus).flat().length).toBeGreaterThanOrEqual(250);
});
