import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { memoryImage } from '../../test/formats/ext4/images.ts';
import { blob, bytesOf, context, createWorld, output, run, signal, tree } from '../../test/ops/world.ts';
import { byteString } from '../base/byte-string.ts';
import { checkExt4 } from '../formats/ext4/check/check.ts';
import { summaryOf } from '../formats/ext4/read/summary.ts';
import { readExt4 } from '../formats/ext4/read/tree.ts';
import type { ImageReader } from '../formats/file-tree.ts';
import type { Ext4Spec } from '../graph/ops.ts';
import { ext4Op } from './ext4.ts';

const scratch = mkdtempSync(join(tmpdir(), 'portkit-ext4-op-'));
afterAll(() => rmSync(scratch, { recursive: true }));

const files = {
  'sbin/init': { file: 'run', mode: 0o755, mtime: { seconds: 7, nanos: 5 } },
  'sbin/second': { hardlink: 'sbin/init' },
  'etc/mtab': { symlink: '/proc/mounts' },
  marked: { file: 'x', xattrs: [{ name: byteString('user.a'), value: Buffer.from('1') }] },
  zeros: Buffer.alloc(2_000_000),
} as const;

async function make(spec: Omit<Ext4Spec, 'type'>, of: Parameters<typeof tree>[1] = files): Promise<ImageReader> {
  const world = { ...createWorld(), scratch };
  return memoryImage(bytesOf(world, await output(ext4Op({ type: 'ext4', ...spec }, world), await tree(world, of))));
}

test('the image has the tree, is sound, and nothing is left in the scratch folder', async () => {
  const image = await make({ profile: 'csum-journal', label: 'root', headroom: 2 ** 22 });
  expect(checkExt4(image, { signal })).toEqual([]);
  const { entries, contents } = readExt4(image, { signal });
  expect(entries.map(({ path, type }) => `${path} ${type}`)).toEqual([
    ' dir',
    'etc dir',
    'etc/mtab symlink',
    'lost+found dir',
    'marked file',
    'sbin dir',
    'sbin/init file',
    'sbin/second hardlink',
    'zeros file',
  ]);
  expect(entries[6]).toMatchObject({ mode: 0o755, mtime: { seconds: 7, nanos: 5 }, size: 3 });
  expect(entries[4]).toMatchObject({ xattrs: [{ name: 'user.a', value: Buffer.from('1') }] });
  const [marked] = entries.flatMap((entry) => (entry.path === 'marked' && entry.type === 'file' ? [entry.content] : []));
  const opened = contents.open(marked ?? '', signal);
  const pieces = opened instanceof Uint8Array ? [opened] : await Array.fromAsync(opened);
  expect(Buffer.concat(pieces).toString()).toBe('x');
  const summary = summaryOf(image);
  expect(summary).toMatchObject({ label: 'root' });
  expect(summary.features).toEqual(expect.arrayContaining(['has_journal', 'metadata_csum']));
  expect(summary.freeBlocks * summary.blockSize).toBeGreaterThanOrEqual(2 ** 22);
  expect(readdirSync(scratch)).toEqual([]);
});

test('every option changes what it says', async () => {
  const uuid = '01234567-89ab-cdef-0123-456789abcdef';
  expect(summaryOf(await make({ uuid, size: 2 ** 24 }))).toMatchObject({ uuid, size: 2 ** 24 });
  const half = summaryOf(await make({ headroomPercent: 100 }));
  expect(half.freeBlocks).toBeGreaterThanOrEqual(Math.floor(half.blocks / 2));
  expect(summaryOf(await make({ inodes: 5000 })).inodes).toBeGreaterThanOrEqual(5000);
  expect(summaryOf(await make({ inodeHeadroom: 7000 })).freeInodes).toBeGreaterThanOrEqual(7000);
  expect(summaryOf(await make({})).blocks - summaryOf(await make({ sparse: true })).blocks).toBeGreaterThan(400);
  const { entries } = readExt4(await make({ mtime: 99 }), { signal });
  expect(new Set(entries.flatMap((one) => (one.type === 'hardlink' ? [] : [one.mtime.seconds])))).toEqual(new Set([99]));
});

test('the UUID depends on every byte, and not on times that the image does not have', async () => {
  const of = async (text: string, seconds: number): Promise<string> =>
    summaryOf(await make({ mtime: 0 }, { file: { file: text, mtime: { seconds, nanos: 0 } } })).uuid;
  expect(await of('a', 1)).toBe(await of('a', 2));
  expect(await of('a', 1)).not.toBe(await of('b', 1));
});

test('what cannot be made is the failure of the step', async () => {
  const world = { ...createWorld(), scratch };
  const input = await tree(world, files);
  const codes = await Promise.all(
    [
      { size: 2 ** 20 },
      { size: 5 },
      { label: 'longer than sixteen' },
      { uuid: 'x' },
      { headroom: 1, headroomPercent: 1 },
      { mtime: 0.5 },
      { inodes: 1 },
    ].map(async (spec) => {
      const outcome = await run(ext4Op({ type: 'ext4', ...spec }, world), input);
      return outcome.ok ? 'ok' : outcome.failure.code;
    }),
  );
  expect(codes).toEqual(['PK3503', 'PK3502', 'PK3502', 'PK3502', 'PK1004', 'PK1004', 'PK3503']);
  expect(await run(ext4Op({ type: 'ext4' }, world), await blob(world, 'x'))).toMatchObject({ failure: { code: 'PK3306' } });
});

test('its facts are all that decides it', async () => {
  const facts = async (spec: object): Promise<string> =>
    JSON.stringify(await ext4Op({ type: 'ext4', ...spec }, { ...createWorld(), scratch }).facts(context));
  const specs = [
    {},
    { profile: 'csum' },
    { label: 'a' },
    { uuid: 'a' },
    { size: 1 },
    { headroom: 1 },
    { headroomPercent: 1 },
    { inodes: 1 },
    { inodeHeadroom: 1 },
    { mtime: 0 },
    { sparse: true },
  ];
  expect(new Set(await Promise.all(specs.map(facts))).size).toBe(specs.length);
  expect(await facts({ profile: 'plain' })).toBe(await facts({}));
});
