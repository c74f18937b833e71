import { mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { writeWholeFile } from './write-file.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'portkit-write-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

async function* bytes(text: string): AsyncGenerator<Uint8Array> {
  yield Buffer.from(text);
}

test("what a killed run of the same process number left is in nobody's way", async () => {
  const path = join(folder, 'image');
  writeFileSync(`${path}.part-${process.pid}`, 'half');
  expect(await writeWholeFile(path, bytes('whole'))).toBe(5);
  expect(readFileSync(path, 'utf8')).toBe('whole');
});

test('nothing is left of what fails, and what stood there stays', async () => {
  const path = join(folder, 'image');
  writeFileSync(path, 'before');
  const failing = async function* (): AsyncGenerator<Uint8Array> {
    yield Buffer.from('half');
    throw new Error('cut');
  };
  await expect(writeWholeFile(path, failing())).rejects.toThrow('cut');
  expect(readFileSync(path, 'utf8')).toBe('before');
  expect(readdirSync(folder)).toEqual(['image']);
});

test.each(['file/below', 'not/there'])('a place that cannot be (%s) is told as such', async (path) => {
  writeFileSync(join(folder, 'file'), '');
  await expect(writeWholeFile(join(folder, path), bytes('x'))).rejects.toMatchObject({ code: 'PK3406' });
});

test('oras#1400: what killed runs left a day ago is removed, and nothing else', async () => {
  const old = new Date(Date.now() - 2 * 86_400_000);
  const left = ['image.part-0123456789ab', 'image.part-ffffffffffff'];
  const others = ['image.part-mine', 'image2.part-0123456789ab', 'image.part-0123456789abc', 'ximage.part-0123456789ab'];
  for (const name of [...left, ...others]) {
    writeFileSync(join(folder, name), 'x');
    utimesSync(join(folder, name), old, old);
  }
  writeFileSync(join(folder, 'image.part-aaaaaaaaaaaa'), 'still running');
  mkdirSync(join(folder, 'image.part-bbbbbbbbbbbb'));
  utimesSync(join(folder, 'image.part-bbbbbbbbbbbb'), old, old);
  await writeWholeFile(join(folder, 'image'), bytes('whole'));
  expect(readdirSync(folder).toSorted()).toEqual(
    ['image', 'image.part-aaaaaaaaaaaa', 'image.part-bbbbbbbbbbbb', ...others].toSorted(),
  );
});
