import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { copy } from '../copy/copy.ts';
import type { CopyEvent } from '../copy/events.ts';
import { describe as blobOf, produceManifest } from '../model/produce.ts';
import { bytesSource } from '../model/read.ts';
import { blobPath } from './files.ts';
import { folderTarget } from './folder.ts';
import { memoryLayout } from './memory.ts';
import type { LayoutTarget } from './target.ts';

const { signal } = new AbortController();
const scratch = mkdtempSync(join(tmpdir(), 'portkit-damage-'));
afterAll(() => rmSync(scratch, { recursive: true }));

const bytes = Buffer.from('what it should be');
const layer = blobOf(bytes, 'text/plain');
const config = { bytes: Buffer.from('{}'), descriptor: blobOf(Buffer.from('{}'), 'application/json') };
const made = produceManifest({ artifactType: 'text/x', config: config.descriptor, layers: [layer] });

async function fill(layout: LayoutTarget): Promise<LayoutTarget> {
  await layout.push(layer, bytesSource(bytes), signal);
  await layout.push(config.descriptor, bytesSource(config.bytes), signal);
  await layout.push(made.descriptor, bytesSource(made.bytes), signal);
  await layout.tag(made.descriptor, 'v1', signal);
  return layout;
}

/** A layout folder in which a file has other bytes, as many as before. */
async function damaged(digest: typeof layer.digest) {
  const folder = mkdtempSync(join(scratch, 'layout-'));
  const layout = await fill(folderTarget(folder));
  const file = join(folder, blobPath(digest));
  const right = readFileSync(file);
  writeFileSync(file, Buffer.alloc(right.length, '!'));
  return { layout, isRight: () => readFileSync(file).equals(right) };
}

test('a blob that is put where a damaged one stands heals it', async () => {
  const { layout, isRight } = await damaged(layer.digest);
  expect(await layout.push(layer, bytesSource(bytes), signal)).toBe('stored');
  expect(isRight()).toBe(true);
  expect(await layout.push(layer, bytesSource(bytes), signal)).toBe('existed');
});

test('a copy heals a manifest by itself, and blobs when it is told to look', async () => {
  const source = await fill(memoryLayout());
  const states: CopyEvent['state'][] = [];
  const onEvent = ({ descriptor, state }: CopyEvent) => void (descriptor.digest === layer.digest && states.push(state));
  const document = await damaged(made.descriptor.digest);
  await copy({ source, name: 'v1' }, { target: document.layout, name: 'v1' }, { signal });
  expect(document.isRight()).toBe(true);

  const content = await damaged(layer.digest);
  const to = { target: content.layout, name: 'v1' };
  await copy({ source, name: 'v1' }, to, { signal, onEvent });
  expect([content.isRight(), states]).toEqual([false, []]);
  await copy({ source, name: 'v1' }, to, { signal, onEvent, verify: true });
  expect([content.isRight(), states]).toEqual([true, ['begun', 'progress', 'stored']]);
  await copy({ source, name: 'v1' }, to, { signal, onEvent, verify: true });
  expect(states.at(-1)).toBe('existed');
});

test('a target that keeps what is damaged is not said to have it', async () => {
  const { layout } = await damaged(layer.digest);
  const stubborn = { ...layout, push: () => Promise.resolve('existed' as const) };
  const source = await fill(memoryLayout());
  await expect(copy({ source, name: 'v1' }, { target: stubborn }, { signal, verify: true })).rejects.toMatchObject({
    code: 'PK4003',
    message: expect.stringContaining('damaged'),
  });
});

describe('deleting', () => {
  test('a tag leaves what it stood for; a digest takes the manifest with all of its tags', async () => {
    const layout = await fill(folderTarget(mkdtempSync(join(scratch, 'layout-'))));
    await layout.tag(made.descriptor, 'v2', signal);
    expect(await layout.deleting?.delete('v1', signal)).toBe(true);
    expect(await layout.deleting?.delete('v1', signal)).toBe(false);
    expect([await layout.resolve('v1', signal), (await layout.resolve('v2', signal))?.digest]).toEqual([
      undefined,
      made.descriptor.digest,
    ]);
    expect(await layout.deleting?.delete('v2', signal)).toBe(true);
    expect(await layout.roots(signal)).toEqual([made.descriptor]);
    expect(await layout.deleting?.delete(made.descriptor.digest, signal)).toBe(true);
    expect(await layout.deleting?.delete(made.descriptor.digest, signal)).toBe(false);
    expect([await layout.roots(signal), await layout.resolve(made.descriptor.digest, signal)]).toEqual([[], undefined]);
    expect(await layout.exists(layer, signal)).toBe(true);
  });

  test('nothing is made where no layout is', async () => {
    const folder = mkdtempSync(join(scratch, 'none-'));
    expect(await folderTarget(folder).deleting?.delete('v1', signal)).toBe(false);
    expect(await folderTarget(folder).deleting?.delete(layer.digest, signal)).toBe(false);
    expect(readdirSync(folder)).toEqual([]);
  });
});

test('sizes are known by digest alone', async () => {
  const layout = await fill(memoryLayout());
  expect(await layout.sizing?.sizeOf(layer.digest, signal)).toBe(bytes.length);
  expect(await layout.sizing?.sizeOf(`sha256:${'0'.repeat(64)}`, signal)).toBeUndefined();
});
