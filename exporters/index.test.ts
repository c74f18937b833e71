import { mkdtempSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { exportAll } from '../src/artifacts/export.ts';
import { shown, signal, startResults } from '../test/exporters/results.ts';
import { exportersFor } from './index.ts';

let folder: string;
let out: Buffer[];
const world = (): Parameters<typeof exportersFor>[1] => ({
  directory: folder,
  isRoot: false,
  writeOut(bytes) {
    out.push(Buffer.from(bytes));
    return Promise.resolve();
  },
});

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'portkit-outputs-'));
  out = [];
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

test('writes several outputs of one build, each with what it picks', async () => {
  const results = startResults();
  const targets = [
    await results.tree('root', { 'etc/name': { text: 'demo' }, 'etc/other': { text: 'x' }, 'boot/kernel': { text: 'k' } }),
    await results.blob('image', 'bytes'),
  ];
  const exporters = exportersFor(
    ['type=local,dest=image,target=image', 'type=local,dest=one,target=root,src=etc/n*', 'type=tar,dest=all.tar', 'both', '-'],
    world(),
  );
  for (const exporter of exporters) exporter.check(['root', 'image']);
  const receipts = await exportAll(exporters, targets, { blobs: results.blobs, signal });
  expect(shown(folder)).toEqual([
    'all.tar 644 (6656)',
    'both/ 755',
    'both/image 644 bytes',
    'both/root/ 755',
    'both/root/boot/ 755',
    'both/root/boot/kernel 644 k',
    'both/root/etc/ 755',
    'both/root/etc/name 644 demo',
    'both/root/etc/other 644 x',
    'image/ 755',
    'image/image 644 bytes',
    'one/ 755',
    'one/etc/ 755',
    'one/etc/name 644 demo',
  ]);
  expect(Buffer.concat(out)).toHaveLength(6656);
  expect(receipts.map(({ type, destination, written }) => [type, destination, written])).toEqual([
    ['local', join(folder, 'image'), 1],
    ['local', join(folder, 'one'), 1],
    ['tar', join(folder, 'all.tar'), 1],
    ['local', join(folder, 'both'), 4],
    ['tar', '-', 1],
  ]);
});

test('two outputs into one new directory come together', async () => {
  const results = startResults();
  const targets = [await results.tree('root', { a: { text: '1' } }), await results.blob('image', 'bytes')];
  const exporters = exportersFor(['type=local,dest=out,target=root', 'type=local,dest=out,target=image'], world());
  await exportAll(exporters, targets, { blobs: results.blobs, signal });
  expect(shown(folder)).toEqual(['out/ 755', 'out/a 644 1', 'out/image 644 bytes']);
});

test('only one output can have standard output', () => {
  expect(() => exportersFor(['-', 'type=tar,dest=-'], world())).toThrow(expect.objectContaining({ code: 'PK3401' }));
  expect(exportersFor(['-', './-'], world())).toHaveLength(2);
});

test.each([
  ['file/below', 'lies within a file'],
  ['file', 'is a file'],
  ['missing/out', 'is not there'],
  ['type=tar,dest=folder', 'is a directory'],
  ['type=tar,dest=missing/out.tar', 'is not there'],
  ['type=tar,dest=/dev/null', 'is a special file'],
  ['type=tar,dest=file/out.tar', 'lies within a file'],
  ['type=local,dest=folder,owner=keep', 'needs root'],
  [`type=local,dest=${'long'.repeat(80)}`, 'ENAMETOOLONG'],
])('%s is refused before the build', (output, message) => {
  writeFileSync(join(folder, 'file'), '');
  mkdirSync(join(folder, 'folder'));
  const [exporter] = exportersFor([output], world());
  expect(() => exporter?.check([])).toThrow(
    expect.objectContaining({ code: 'PK3402', message: expect.stringContaining(message) }),
  );
});
