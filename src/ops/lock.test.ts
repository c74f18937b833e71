import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { digestOf } from '../base/digest.ts';
import { openLock } from './lock.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'portkit-lock-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

const [one, two] = [digestOf('one'), digestOf('two')];

test('a choice that is made anew takes the place of the one before, of the same name and architecture only', () => {
  const file = join(folder, 'lock');
  const pins = { 'deb:k>k-1:amd64': one, 'deb:k>k-1:arm64': one, 'deb:k2>k-1:amd64': one, 'deb:k:amd64': one };
  writeFileSync(file, JSON.stringify({ version: 1, pins }));
  const lock = openLock(file, { update: true, locked: false });
  expect(lock.starting?.('deb:k>')).toEqual([]);
  lock.set?.('deb:k>k-2:amd64', two);
  expect(lock.starting?.('deb:k>')).toEqual(['deb:k>k-2:amd64']);
  expect(lock.renewed()).toEqual([{ name: 'deb:k>k-2:amd64', replaces: 'deb:k>k-1:amd64', before: one, after: two }]);
  lock.save();
  const { 'deb:k>k-1:amd64': _, ...others } = pins;
  expect(JSON.parse(readFileSync(file, 'utf8'))).toEqual({ version: 1, pins: { ...others, 'deb:k>k-2:amd64': two } });
});

test('a choice that stays the same leaves the file alone', () => {
  const file = join(folder, 'lock');
  const text = JSON.stringify({ version: 1, pins: { 'deb:k>k-1:amd64': one } });
  writeFileSync(file, text);
  const lock = openLock(file, { update: true, locked: false });
  lock.set?.('deb:k>k-1:amd64', one);
  expect(lock.renewed()).toEqual([{ name: 'deb:k>k-1:amd64', before: one, after: one }]);
  lock.save();
  expect(readFileSync(file, 'utf8')).toBe(text);
});
