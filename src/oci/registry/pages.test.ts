import { expect, test } from 'vitest';
import { nextTarget } from './pages.ts';

const long = `/v2/r/tags/list?last=${'x'.repeat(5000)}`;

test.each([
  ['</a>; rel="next"', '/a'],
  ['</a>;rel=next', '/a'],
  ['</a> ; REL = "Next"', '/a'],
  ['</a>; title="x, y; rel=\'prev\'"; rel="next"', '/a'],
  ['</a>; title="the rel=next one"; rel="last"', undefined],
  ['</a>; rel="prev", </b>; rel="next"', '/b'],
  ['</a?x=1,2>; rel="prev next"; type=x', '/a?x=1,2'],
  ['</a>; rel="nextish"', undefined],
  ['</a>', undefined],
  ['', undefined],
  ['nonsense', undefined],
  ['<></a>; rel="next"', '/a'],
  ['<>; rel="next"', ''],
  [`<${long}>; rel="next"`, long],
])('%s', (header, expected) => {
  expect(nextTarget(header)).toBe(expected);
});

test('a long and odd header takes no time', () => {
  const before = performance.now();
  for (const piece of ['<a>;', '<a>; rel="', '<', '<a>;x="', ' ', ',', '"']) nextTarget(piece.repeat(8000));
  expect(performance.now() - before).toBeLessThan(1000);
});
