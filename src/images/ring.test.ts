import { expect, test } from 'vitest';
import { ask, claim, emptyRing, fill, placeOf } from './ring.ts';

const places = 128;

/** What the reading thread does for its next file. */
function readOne(ring: ReturnType<typeof emptyRing>, count: number): number | undefined {
  const file = claim(ring, count);
  if (file === undefined) return undefined;
  placeOf(ring, file).write(`${file};`);
  fill(ring, file);
  return file;
}

test('what was read is found in its order, once, and not in a second pass', () => {
  const ring = emptyRing();
  for (const expected of [0, 1, 2]) expect(readOne(ring, 3)).toBe(expected);
  expect(readOne(ring, 3)).toBeUndefined();
  for (const file of [0, 1, 2]) {
    expect(ask(ring, file)).toBe(true);
    expect(placeOf(ring, file).toString('latin1', 0, 2)).toBe(`${file};`);
  }
  expect(ask(ring, 0)).toBe(false);
});

test('a thread that is overtaken goes on ahead of who asks', () => {
  const ring = emptyRing();
  const late = claim(ring, 1000);
  expect(ask(ring, 0)).toBe(false);
  expect(claim(ring, 1000)).toBe(8);
  fill(ring, late ?? -1);
  expect(ask(ring, 1)).toBe(false);
  expect(ask(ring, 500)).toBe(false);
  expect(claim(ring, 1000)).toBe(508);
});

test('a place is taken again only when its file is done with', () => {
  const ring = emptyRing();
  for (let file = 0; file < places; file += 1) readOne(ring, 1000);
  expect(ask(ring, 1)).toBe(true);
  // Place 0 is free, place 1 is in use.
  expect(readOne(ring, 1000)).toBe(places);
  expect(placeOf(ring, 1).toString('latin1', 0, 2)).toBe('1;');
  expect(ask(ring, places)).toBe(true);
  expect(placeOf(ring, places).toString('latin1', 0, 4)).toBe(`${places};`);
});
