import { createHash, randomBytes } from 'node:crypto';
import {
  existsSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { digestFromHex } from '../../base/digest.ts';
import { worthATail } from '../disk/file-hash.ts';
import { openStore } from '../open.ts';
import { openParts } from './parts.ts';

const { signal } = new AbortController();
const bytes = randomBytes(100_000);
const digest = digestFromHex(createHash('sha256').update(bytes).digest('hex'));
const day = 86_400_000;
let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'portkit-parts-'));
});

afterEach(() => {
  rmSync(folder, { recursive: true });
});

const open = (now = Date.now()) => openParts(join(folder, 'parts'), now);
const files = (): readonly string[] => readdirSync(join(folder, 'parts')).filter((name) => name !== 'turns');

async function leave(note: string, count: number): Promise<void> {
  using parts = open();
  await using part = await parts.open('blob', signal);
  await part?.begin(note);
  part?.append(bytes.subarray(0, count));
}

test('what was left is gone on with, and is the blob in the end', async () => {
  await leave('etag 1', 40_000);
  using parts = open();
  await using part = await parts.open('blob', signal);
  expect([part?.size, part?.note]).toEqual([40_000, 'etag 1']);
  const file = await part?.grow(bytes.length);
  file?.append(bytes.subarray(40_000, 90_000));
  file?.append(bytes.subarray(90_000));
  expect(part?.size).toBe(bytes.length);
  expect(await file?.finish()).toEqual({ digest, size: bytes.length });
  expect(readFileSync(part?.path ?? '').equals(bytes)).toBe(true);
});

test('the store takes it in without writing it again', async () => {
  await using store = openStore(join(folder, 'store'), { now: () => 1 });
  await leave('x', bytes.length);
  using parts = open();
  await using part = await parts.open('blob', signal);
  if (part === undefined) throw new Error('no part');
  const blob = await (await part.grow(bytes.length)).finish();
  await store.blobs.adopt({ ...blob, path: part.path }, signal);
  await part.remove();
  expect([part.size, part.note]).toEqual([0, undefined]);
  const content = await store.blobs.open(digest, signal);
  expect(Buffer.concat(await Array.fromAsync(content ?? []))).toEqual(bytes);
  expect(files()).toEqual([]);
  expect(await store.verify({}, signal)).toMatchObject({ checked: 1, findings: [] });
});

test('what was taken in is not collected while its process lives', async () => {
  await using store = openStore(join(folder, 'store'), { now: () => 1 });
  await using other = openStore(join(folder, 'store'), { now: () => 1 });
  const path = join(folder, 'file');
  writeFileSync(path, bytes);
  await store.blobs.adopt({ path, digest, size: bytes.length }, signal);
  await other.collect({ maxSize: 0 }, signal);
  expect(store.blobs.present([digest])).toEqual([true]);
});

test.skipIf(!existsSync('/dev/shm') || statSync('/dev/shm').dev === statSync(tmpdir()).dev)(
  'what is on another file system is copied',
  async () => {
    const elsewhere = mkdtempSync('/dev/shm/portkit-parts-');
    try {
      await using store = openStore(join(folder, 'store'), { now: () => 1 });
      const path = join(elsewhere, 'file');
      writeFileSync(path, bytes);
      await store.blobs.adopt({ path, digest, size: bytes.length }, signal);
      expect([existsSync(path), store.blobs.present([digest])]).toEqual([false, [true]]);
    } finally {
      rmSync(elsewhere, { recursive: true });
    }
  },
);

test('what the store has already is not taken twice', async () => {
  await using store = openStore(join(folder, 'store'), { now: () => 1 });
  for (let round = 0; round < 2; round += 1) {
    const path = join(folder, `file-${round}`);
    writeFileSync(path, bytes);
    await store.blobs.adopt({ path, digest, size: bytes.length }, signal);
  }
  expect(readdirSync(folder).filter((name) => name.startsWith('file'))).toEqual([]);
  expect([...store.list()]).toHaveLength(1);
});

test('a new beginning has nothing of the one before, not even after a process was ended between', async () => {
  await leave('etag 1', 40_000);
  await leave('etag 2', 10);
  using parts = open();
  {
    await using part = await parts.open('blob', signal);
    expect([part?.size, part?.note]).toEqual([10, 'etag 2']);
  }
  // The note of a third beginning, whose file was not made any more.
  const [note = ''] = files().filter((name) => name.endsWith('.json'));
  writeFileSync(join(folder, 'parts', note), JSON.stringify({ number: 3, note: 'etag 3' }));
  await using part = await parts.open('blob', signal);
  expect([part?.size, part?.note]).toEqual([0, undefined]);
});

test('nobody else has it at the same time, in this process or in another', async () => {
  using parts = open();
  using others = open();
  {
    await using part = await parts.open('blob', signal);
    expect(part).toBeDefined();
    expect(await parts.open('blob', signal)).toBeUndefined();
    expect(await others.open('blob', signal)).toBeUndefined();
  }
  await using later = await others.open('blob', signal);
  expect(later).toBeDefined();
});

test.each([
  ['a note that was cut off', () => truncateSync(join(folder, 'parts', 'blob.json'), 5)],
  ['a note of another kind', () => writeFileSync(join(folder, 'parts', 'blob.json'), '{"number":"1","note":2}')],
  [
    'a link in its place',
    () => {
      rmSync(join(folder, 'parts', 'blob.1.part'));
      symlinkSync('/etc/passwd', join(folder, 'parts', 'blob.1.part'));
    },
  ],
])('%s is no part', async (_, damage) => {
  await leave('etag', 1000);
  damage();
  using parts = open();
  await using part = await parts.open('blob', signal);
  expect([part?.size, part?.note]).toEqual([0, undefined]);
  await part?.begin('new');
  part?.append(Buffer.from('text'));
  expect(await (await part?.grow(4))?.finish()).toMatchObject({ size: 4 });
});

test('what nobody came back for is removed, and not what somebody has', async () => {
  await leave('etag', 1000);
  const old = new Date(Date.now() - 6 * day);
  for (const name of files()) utimesSync(join(folder, 'parts', name), old, old);
  open()[Symbol.dispose]();
  expect(files()).toHaveLength(2);
  using parts = open();
  {
    await using part = await parts.open('blob', signal);
    expect(part).toBeDefined();
    open(Date.now() + 2 * day)[Symbol.dispose]();
    expect(files()).toHaveLength(2);
  }
  open(Date.now() + 2 * day)[Symbol.dispose]();
  expect(files()).toEqual([]);
});

test('a large one is hashed by the thread from its beginning', async () => {
  const block = randomBytes(1 << 20);
  const count = worthATail / block.length + 2;
  const hash = createHash('sha256');
  using parts = open();
  {
    await using part = await parts.open('blob', signal);
    await part?.begin('');
    for (let at = 0; at < count; at += 1) part?.append(block);
  }
  await using part = await parts.open('blob', signal);
  const file = await part?.grow((count + 1) * block.length);
  file?.append(block);
  for (let at = 0; at <= count; at += 1) hash.update(block);
  expect((await file?.finish())?.digest).toBe(digestFromHex(hash.digest('hex')));
});
