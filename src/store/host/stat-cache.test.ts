import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  renameSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { openStore } from '../open.ts';
import type { Store } from '../store.ts';
import { snapshot } from './snapshot.ts';
import type { SnapshotFilter } from './snapshot.ts';
import { createStatCache } from './stat-cache.ts';
import type { StatCache } from './stat-cache.ts';

const { signal } = new AbortController();
let folder: string;
let source: string;
let store: Store;
let cache: StatCache;
/** Bytes that were read from files: every content that was added or written. */
let read: number;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'portkit-stat-'));
  source = join(folder, 'source');
  mkdirSync(join(source, 'a/b'), { recursive: true });
  for (let index = 0; index < 40; index += 1)
    writeFileSync(join(source, index % 2 === 0 ? 'a' : 'a/b', `${index}`), `file ${index}`);
  writeFileSync(join(source, 'large'), Buffer.alloc(300_000, 1));
  writeFileSync(Buffer.from(`${source}/a/\xff`, 'latin1'), 'bytes');
  symlinkSync('a', join(source, 'link'));
  store = openStore(join(folder, 'store'), { now: () => 1 });
  cache = createStatCache(join(store.directory, 'stat'));
  age();
  read = 0;
});

afterEach(async () => {
  await store[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true, force: true });
});

/** What lies below was made too recently to be trusted: wait until the file system's clock has moved on. */
function age(): void {
  const start = cache.stamp();
  while (cache.stamp() <= start);
}

/** The store, counting contents. */
function counting(): Pick<Store, 'blobs' | 'generation'> {
  const { blobs } = store;
  return {
    generation: () => store.generation(),
    blobs: {
      ...blobs,
      writeFile: (path, stop) => {
        read += 1;
        return blobs.writeFile(path, stop);
      },
      batch: () => {
        const batch = blobs.batch();
        return {
          ...batch,
          add: (bytes) => {
            if (!Buffer.from(bytes).includes('tree')) read += 1;
            return batch.add(bytes);
          },
        };
      },
    },
  };
}

async function take(filter?: SnapshotFilter): Promise<string> {
  return (await snapshot(source, counting(), filter === undefined ? { signal, cache } : { signal, cache, filter })).tree;
}

/** What a snapshot without a cache says. */
async function truth(): Promise<string> {
  return (await snapshot(source, store, { signal })).tree;
}

test('an unchanged directory is not read again', async () => {
  const first = await take();
  expect(read).toBeGreaterThanOrEqual(42);
  read = 0;
  expect(await take()).toBe(first);
  expect(read).toBe(0);
  expect(await truth()).toBe(first);
});

test.each<[string, () => void]>([
  ['new content of the same size and time', () => overwrite('a/2', 'FILE 2')],
  ['a new file', () => writeFileSync(join(source, 'a/b/new'), 'new')],
  ['a file gone', () => rmSync(join(source, 'a/b/1'))],
  ['a mode', () => chmodSync(join(source, 'a/4'), 0o755)],
  ['a mode of the root', () => chmodSync(source, 0o700)],
  ['a renamed file', () => renameSync(join(source, 'a/6'), join(source, 'a/b/6'))],
  ['two files that change places', () => swap('a/8', 'a/10')],
  ['a link that leads elsewhere', () => relink()],
])('%s is seen, and little else is read', async (_, change) => {
  const before = await take();
  read = 0;
  change();
  const after = await take();
  expect(after).toBe(await truth());
  expect(after).not.toBe(before);
  expect(read).toBeLessThan(12);
});

function overwrite(name: string, text: string): void {
  const path = join(source, name);
  writeFileSync(path, text);
  utimesSync(path, 1, 1);
}

function swap(one: string, other: string): void {
  renameSync(join(source, one), join(source, 'moved'));
  renameSync(join(source, other), join(source, one));
  renameSync(join(source, 'moved'), join(source, other));
}

function relink(): void {
  rmSync(join(source, 'link'));
  symlinkSync('b', join(source, 'link'));
}

test('what changed while the snapshot was young is read again: its times could stand still', async () => {
  writeFileSync(join(source, 'a/2'), 'racy 2');
  const young: StatCache = { ...cache, stamp: () => 0 };
  await snapshot(source, store, { signal, cache: young });
  read = 0;
  await take();
  expect(read).toBeGreaterThanOrEqual(42);
});

test('another filter is another memory, and what it leaves out is not in the tree', async () => {
  const whole = await take();
  const filter: SnapshotFilter = {
    id: 'b only',
    keeps: (path) => path.startsWith('a/b/'),
    enters: (path) => 'a/b'.startsWith(path),
  };
  const part = await take(filter);
  expect(part).not.toBe(whole);
  read = 0;
  expect(await take(filter)).toBe(part);
  expect(await take()).toBe(whole);
  expect(read).toBe(0);
  writeFileSync(join(source, 'a/0'), 'left out');
  expect(await take(filter)).toBe(part);
});

test('a damaged or short memory is passed over', async () => {
  const before = await take();
  const [name = ''] = readdirSync(join(store.directory, 'stat')).filter((one) => !one.startsWith('now'));
  const path = join(store.directory, 'stat', name);
  const good = readFileSync(path);
  for (const bad of [good.subarray(0, 30), good.subarray(0, good.length - 1), Buffer.alloc(0), flipped(good)]) {
    writeFileSync(path, bad);
    expect(await take()).toBe(before);
  }
});

function flipped(bytes: Buffer): Buffer {
  const copy = Buffer.from(bytes);
  copy[copy.length >> 1] = (copy[copy.length >> 1] ?? 0) ^ 1;
  return copy;
}

test('what the store has lost since is read again', async () => {
  const before = await take();
  await store[Symbol.asyncDispose]();
  store = openStore(join(folder, 'store'), { now: () => 1 });
  expect((await store.collect({}, signal)).blobs).toBeGreaterThan(40);
  expect(await take()).toBe(before);
  expect((await store.verify({}, signal)).findings).toEqual([]);
  for (const one of ['a/0', 'large']) writeFileSync(join(source, one), 'changed');
  expect(await take()).toBe(await truth());
});

test('a memory that cannot be written costs reading, no more', async () => {
  const broken = createStatCache(join(folder, 'nowhere'));
  const { tree } = await snapshot(source, store, { signal, cache: broken });
  expect(tree).toBe(await truth());
});

test('a collection forgets what nobody has looked at for a month', async () => {
  await take();
  const at = join(store.directory, 'stat');
  expect(readdirSync(at).length).toBeGreaterThan(0);
  const later = openStore(join(folder, 'store'), { now: () => Date.now() + 40 * 86_400_000 });
  await later.collect({}, signal);
  await later[Symbol.asyncDispose]();
  expect(readdirSync(at)).toEqual([]);
});
