import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { openStore } from '../../store/open.ts';
import type { Lease, Store } from '../../store/store.ts';
import { copy } from '../copy/copy.ts';
import { memoryLayout } from '../layout/memory.ts';
import { describe as describeBlob, produceIndex, produceManifest } from '../model/produce.ts';
import { bytesSource, readDocument } from '../model/read.ts';
import { parseReference } from '../model/reference.ts';
import { cached, pullToCache } from './cache.ts';

const { signal } = new AbortController();
const reference = parseReference('localhost/demo:v1');
let folder: string;
let store: Store;
let lease: Lease;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'portkit-cache-'));
  store = openStore(folder, { now: Date.now });
  lease = store.lease('test');
});
afterEach(async () => {
  lease[Symbol.dispose]();
  await store[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true, force: true });
});

/** A registry with an index of two images. */
async function registry(text = 'layer') {
  const layout = memoryLayout('localhost/demo');
  const push = async (bytes: Uint8Array, mediaType: string) => {
    const descriptor = describeBlob(bytes, mediaType);
    await layout.push(descriptor, bytesSource(bytes), signal);
    return descriptor;
  };
  const images = [];
  for (const architecture of ['amd64', 'arm64']) {
    const config = await push(
      Buffer.from(`{"os":"linux","architecture":"${architecture}"}`),
      'application/vnd.oci.image.config.v1+json',
    );
    const layer = await push(Buffer.from(`${text} ${architecture}`), 'application/vnd.oci.image.layer.v1.tar');
    const made = produceManifest({ config, layers: [layer] });
    await layout.push(made.descriptor, bytesSource(made.bytes), signal);
    images.push({ ...made.descriptor, platform: { os: 'linux', architecture } });
  }
  const index = produceIndex({ manifests: images });
  await layout.push(index.descriptor, bytesSource(index.bytes), signal);
  await layout.tag(index.descriptor, 'v1', signal);
  return { from: { source: layout, name: 'v1' }, index, images };
}

test('what was pulled is here byte for byte, survives a collection, and goes on to another registry', async () => {
  const { from, index } = await registry();
  expect(cached(reference, store, lease)).toBeUndefined();
  const root = await pullToCache(from, { reference, store }, { signal });
  expect(root.digest).toBe(index.descriptor.digest);
  await store.collect({ maxSize: 0, keep: 0 }, signal);
  const here = cached(reference, store, lease);
  if (here === undefined) throw new Error('nothing was pulled');
  expect(Buffer.from(await readDocument(here.source, index.descriptor, signal))).toEqual(Buffer.from(index.bytes));
  const other = memoryLayout('other');
  expect((await copy(here, { target: other, name: 'v2' }, { signal })).digest).toBe(index.descriptor.digest);
  expect((await store.verify({}, signal)).findings).toEqual([]);
});

test('one platform is pulled alone, and a second pull stands in place of the first', async () => {
  const { from, images } = await registry();
  const platform = { os: 'linux', architecture: 'arm64' };
  const root = await pullToCache(from, { reference, store }, { signal, platform });
  expect(root.digest).toBe(images[1]?.digest);
  const next = await registry('newer');
  await pullToCache(next.from, { reference, store }, { signal });
  const here = cached(reference, store, lease);
  expect((await here?.source.resolve(here.name, signal))?.digest).toBe(next.index.descriptor.digest);
});

test('a pull that fails leaves what was there', async () => {
  const { from, index } = await registry();
  await pullToCache(from, { reference, store }, { signal });
  const broken = { ...from, source: { ...from.source, fetch: () => Promise.reject(new Error('cut')) } };
  await expect(pullToCache(broken, { reference, store }, { signal })).rejects.toThrow('cut');
  const here = cached(reference, store, lease);
  expect((await here?.source.resolve(here.name, signal))?.digest).toBe(index.descriptor.digest);
});

test('a name without a tag is the one with "latest"', async () => {
  const { from } = await registry();
  await pullToCache(from, { reference: parseReference('localhost/demo'), store }, { signal });
  expect(cached(parseReference('localhost/demo:latest'), store, lease)).toBeDefined();
  expect(cached(reference, store, lease)).toBeUndefined();
});

test('what is sent on stays whole while another pull takes its name and a collection its place', async () => {
  const { from, index } = await registry();
  // A store that nobody has open since before the pull.
  const root = join(folder, 'other');
  {
    await using before = openStore(root, { now: Date.now });
    await pullToCache(from, { reference, store: before }, { signal });
  }
  await using pushing = openStore(root, { now: Date.now });
  using held = pushing.lease('push');
  const here = cached(reference, pushing, held);
  if (here === undefined) throw new Error('nothing was pulled');
  await pullToCache((await registry('newer')).from, { reference, store: pushing }, { signal });
  await pushing.collect({ maxSize: 0, keep: 0 }, signal);
  expect((await copy(here, { target: memoryLayout('other'), name: 'v2' }, { signal })).digest).toBe(index.descriptor.digest);
});
