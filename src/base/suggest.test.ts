import { expect, test } from 'vitest';
import { suggest } from './suggest.ts';

const known = ['cache', 'doctor', 'explain', 'get', 'du', 'ls'];

test.each([
  ['cahce', 'cache'],
  ['cach', 'cache'],
  ['docter', 'doctor'],
  ['exlain', 'explain'],
  ['dv', 'du'],
  ['gte', 'get'],
])('%s means %s', (typed, meant) => {
  expect(suggest(typed, known)).toBe(meant);
});

test.each(['', 'zzz', 'banana', 'xy', 'constructor'])('%j means nothing known', (typed) => {
  expect(suggest(typed, known)).toBeUndefined();
});
