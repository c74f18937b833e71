import { mkdtempSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { exportAll } from '../src/artifacts/export.ts';
import { takeLock } from '../src/execution/lock.ts';
import { noRegistry, shown, signal, startResults } from '../test/exporters/results.ts';
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
  takeLock,
  openRepository: noRegistry,
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
  const exporters = await exportersFor(
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
  const exporters = await exportersFor(['type=local,dest=out,target=root', 'type=local,dest=out,target=image'], world());
  await exportAll(exporters, targets, { blobs: results.blobs, signal });
  expect(shown(folder)).toEqual(['out/ 755', 'out/a 644 1', 'out/image 644 bytes']);
});

test('only one output can have standard output', async () => {
  await expect(exportersFor(['-', 'type=tar,dest=-'], world())).rejects.toMatchObject({ code: 'PK3401' });
  expect(await exportersFor(['-', './-'], world())).toHaveLength(2);
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
  ['dangling', 'leads nowhere'],
  ['type=tar,dest=dangling', 'leads nowhere'],
  [`type=local,dest=${'long'.repeat(80)}`, 'ENAMETOOLONG'],
])('%s is refused before the build', async (output, message) => {
  writeFileSync(join(folder, 'file'), '');
  mkdirSync(join(folder, 'folder'));
  symlinkSync('nothing', join(folder, 'dangling'));
  const [exporter] = await exportersFor([output], world());
  expect(() => exporter?.check([])).toThrow(
    expect.objectContaining({ code: 'PK3402', message: expect.stringContaining(message) }),
  );
});

describe('a plugin', () => {
  const plugin = `
    import { writeFileSync } from 'node:fs';
    export const createExporter = ({ options, target, directory }) => ({
      check(targets) { if (!targets.includes(options.only)) throw new Error('not made'); },
      async prepare(targets, { blobs }) {
        const bytes = blobs.get(targets.find(({ name }) => name === options.only).ref.digest);
        return {
          async publish() {
            writeFileSync(directory + '/' + options.file, bytes);
            return { type: 'mine', destination: options.file, exported: [], written: 1, unchanged: 0, warnings: target };
          },
          [Symbol.dispose]() {},
        };
      },
    });`;

  test('is a file or a package of the user, and is told what stands in the output', async () => {
    const results = startResults();
    const targets = [await results.blob('image', 'bytes')];
    writeFileSync(join(folder, 'mine.mjs'), plugin);
    mkdirSync(join(folder, 'node_modules/portkit-mine'), { recursive: true });
    writeFileSync(join(folder, 'node_modules/portkit-mine/index.mjs'), plugin);
    writeFileSync(join(folder, 'node_modules/portkit-mine/package.json'), '{"name":"portkit-mine","exports":"./index.mjs"}');
    const rest = 'file=there,only=image,target=image';
    for (const from of ['./mine.mjs', 'portkit-mine']) {
      const exporters = await exportersFor([`type=plugin,from=${from},${rest}`], world());
      const [receipt] = await exportAll(exporters, targets, { blobs: results.blobs, signal });
      expect(receipt).toMatchObject({ type: 'mine', written: 1, warnings: ['image'] });
      expect(readFileSync(join(folder, 'there'), 'utf8')).toBe('bytes');
      rmSync(join(folder, 'there'));
    }
  });

  test.each([
    ['./absent.mjs', 'there is no such file'],
    ['portkit-absent', 'no package of this name is installed in'],
    ['./empty.mjs', 'no function "createExporter"'],
    ['./other.mjs', 'gave no exporter'],
    ['./fails.mjs', 'on its own'],
  ])('%s cannot be used', async (from, message) => {
    writeFileSync(join(folder, 'empty.mjs'), 'export const x = 1;');
    writeFileSync(join(folder, 'other.mjs'), 'export const createExporter = () => ({ check() {} });');
    writeFileSync(join(folder, 'fails.mjs'), 'throw new Error("on its own");');
    await expect(exportersFor([`type=plugin,from=${from}`], world())).rejects.toMatchObject({
      code: 'PK3407',
      message: expect.stringContaining(message),
    });
  });

  const failing = (error: string): string =>
    `export const createExporter = () => { const fail = () => { throw ${error}; }; return {
       check: fail, prepare: async () => ({ publish: async () => fail(), [Symbol.dispose]() {} }) }; };`;

  test.each([
    ['new Error("it rains")', { code: 'PK4107', message: 'The exporter "./own.mjs" failed: it rains' }],
    ['Object.assign(new Error("no room"), { code: "PK2007", hint: "buy" })', { code: 'PK2007', message: 'no room', hint: 'buy' }],
    ['Object.assign(new Error("odd"), { code: "ENOENT" })', { code: 'PK4107' }],
    ['"a text"', { code: 'PK4107', message: 'The exporter "./own.mjs" failed: a text' }],
  ])('that throws %s fails with a code, wherever', async (error, expected) => {
    const own = join(mkdtempSync(join(folder, 'own-')), 'own.mjs');
    writeFileSync(own, failing(error));
    const [exporter] = await exportersFor(['type=plugin,from=./own.mjs'], { ...world(), directory: dirname(own) });
    expect(() => exporter?.check([])).toThrow(expect.objectContaining(expected));
    using prepared = await exporter?.prepare([], { blobs: startResults().blobs, signal });
    await expect(prepared?.publish(signal)).rejects.toMatchObject(expected);
    const reason = new Error('enough');
    await expect(prepared?.publish(AbortSignal.abort(reason))).rejects.toBe(reason);
  });

  test('that fails while it is made says why', async () => {
    writeFileSync(join(folder, 'unmade.mjs'), 'export const createExporter = () => { throw new Error("no dest"); };');
    await expect(exportersFor(['type=plugin,from=./unmade.mjs'], world())).rejects.toMatchObject({
      code: 'PK4107',
      message: expect.stringContaining('no dest'),
    });
  });
});
