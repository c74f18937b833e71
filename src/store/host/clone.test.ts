import {
  chmodSync,
  constants,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { copyFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { Digest } from '../../base/digest.ts';
import { openStore } from '../open.ts';
import type { Store } from '../store.ts';
import { checkout } from './checkout.ts';
import type { CloneFile } from './clone.ts';
import { snapshot } from './snapshot.ts';

const { signal } = new AbortController();
let folder: string;
let out: string;
let store: Store;
let tree: Digest;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'portkit-clone-'));
  out = join(folder, 'out');
  const source = join(folder, 'source');
  mkdirSync(source);
  for (const name of ['a', 'b', 'c']) writeFileSync(join(source, name), Buffer.alloc(2_000_000, name));
  chmodSync(join(source, 'b'), 0o751);
  writeFileSync(join(source, 'small'), 'small');
  store = openStore(join(folder, 'store'), { now: () => 1 });
  tree = (await snapshot(source, store, { signal })).tree;
});

afterEach(async () => {
  await store[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true, force: true });
});

/** A file system whose clones are what `make` makes; `tries` counts them. */
function cloning(make: CloneFile) {
  const seen = { tries: 0 };
  const clone: CloneFile = (from, to) => {
    seen.tries += 1;
    return make(from, to);
  };
  return { seen, clone };
}

/** What a clone is to those who read it. */
const alike: CloneFile = (from, to) => copyFile(from, to, constants.COPYFILE_EXCL);

async function sameTree(): Promise<void> {
  expect((await snapshot(out, store, { signal })).tree).toBe(tree);
}

test('large files are clones where the file system can, with their own modes', async () => {
  const { seen, clone } = cloning(alike);
  expect(await checkout(tree, out, { blobs: store.blobs, signal, clone })).toMatchObject({ files: 4, bytes: 6_000_005 });
  expect(seen.tries).toBe(3);
  expect(statSync(join(out, 'b')).mode & 0o777).toBe(0o751);
  await sameTree();
});

test('a file system that cannot is asked once, and everything is copied', async () => {
  const { seen, clone } = cloning(() => Promise.reject(new Error('ENOTSUP')));
  await checkout(tree, out, { blobs: store.blobs, signal, clone });
  expect(seen.tries).toBe(1);
  await sameTree();
});

test('a clone that is not the blob is thrown away, and the blob is copied', async () => {
  const { clone } = cloning((_, to) => Promise.resolve(writeFileSync(to, 'something else', { flag: 'wx' })));
  await checkout(tree, out, { blobs: store.blobs, signal, clone });
  await sameTree();
});

test('a damaged blob is found although it was cloned, and nothing is left', async () => {
  const blobs = join(store.directory, 'blobs/sha256');
  const damaged = join(blobs, readdirSync(blobs)[0] ?? '');
  chmodSync(damaged, 0o644);
  writeFileSync(damaged, 'X', { flag: 'r+' });
  const { clone } = cloning(alike);
  await expect(checkout(tree, out, { blobs: store.blobs, signal, clone })).rejects.toMatchObject({ code: 'PK2001' });
  expect(readdirSync(folder)).not.toContain('out');
});

test('a checkout that is aborted between the clone and its verification leaves nothing', async () => {
  const controller = new AbortController();
  const { clone } = cloning(async (from, to) => {
    await alike(from, to);
    controller.abort(new Error('Enough'));
  });
  const checkedOut = checkout(tree, out, { blobs: store.blobs, signal: controller.signal, clone });
  await expect(checkedOut).rejects.toThrow('Enough');
  expect(readdirSync(folder)).not.toContain('out');
});

test('the kernel clones or refuses: either way the files are right and their own', async () => {
  await checkout(tree, out, { blobs: store.blobs, signal });
  await sameTree();
  writeFileSync(join(out, 'a'), 'scribbled');
  expect(readFileSync(join(folder, 'source/a'))).toEqual(Buffer.alloc(2_000_000, 'a'));
  expect((await store.verify({}, signal)).findings).toEqual([]);
});

test('only a blob that has a file of its own has a file to clone', () => {
  const loose = [...store.list()].filter(({ packed }) => !packed);
  const packed = [...store.list()].filter((blob) => blob.packed);
  expect(loose.map(({ digest }) => store.blobs.fileOf(digest)).filter((path) => path !== undefined)).toHaveLength(3);
  expect(packed.map(({ digest }) => store.blobs.fileOf(digest)).filter((path) => path !== undefined)).toEqual([]);
  const { digest } = loose[0] ?? { digest: tree };
  rmSync(store.blobs.fileOf(digest) ?? '');
  expect(store.blobs.fileOf(digest)).toBeUndefined();
});
