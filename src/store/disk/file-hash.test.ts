import { createHash, randomBytes } from 'node:crypto';
import { closeSync, mkdtempSync, openSync, readdirSync, rmSync, statSync, truncateSync, writeFileSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { digestFromHex } from '../../base/digest.ts';
import { openStore } from '../open.ts';
import type { Store } from '../store.ts';
import { createFileHash, worthATail } from './file-hash.ts';
import { tellProgress } from './hash-tail.ts';
import { answerOf, startHashThread } from './hash-thread.ts';

const { signal } = new AbortController();
const block = randomBytes(1 << 20);
const long = worthATail / block.length + 4;
let folder: string;
let store: Store;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'portkit-hash-'));
  store = openStore(join(folder, 'store'), { now: () => 1 });
});

afterEach(async () => {
  await store[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true, force: true });
});

async function* blocks(count: number, seen?: (at: number) => void): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < count; at += 1) {
    seen?.(at);
    yield await Promise.resolve(block);
  }
}

function digestOfBlocks(count: number): string {
  const hash = createHash('sha256');
  for (let at = 0; at < count; at += 1) hash.update(block);
  return digestFromHex(hash.digest('hex'));
}

function unfinished(): readonly string[] {
  const sessions = join(store.directory, 'sessions');
  return readdirSync(sessions).flatMap((name) => readdirSync(join(sessions, name)).filter((file) => file !== 'lock'));
}

test('a stream that turns out to be long is hashed whole by the thread that follows it', async () => {
  const info = await store.blobs.write(blocks(long), signal);
  expect(info).toEqual({ digest: digestOfBlocks(long), size: long * block.length });
  expect((await store.verify({}, signal)).findings).toEqual([]);
});

test('long files taken in at the same time get their own digests, also beyond the number of threads', async () => {
  const digests = await Promise.all(
    Array.from({ length: 4 }, async (_, at) => {
      const path = join(folder, `file-${at}`);
      writeFileSync(path, `file ${at}`);
      truncateSync(path, worthATail + at);
      return (await store.blobs.writeFile(path, signal)).digest;
    }),
  );
  expect(new Set(digests).size).toBe(4);
  expect((await store.verify({}, signal)).findings).toEqual([]);
});

test('a file that is shorter or longer than expected has the digest of the bytes that were written', async () => {
  for (const count of [1, 3]) {
    const fd = openSync(join(folder, `expected-${count}`), 'wx+');
    await using hash = createFileHash(fd, worthATail, signal);
    for (let at = 0; at < count; at += 1) {
      writeSync(fd, block);
      hash.wrote(block);
    }
    expect(await hash.finish()).toBe(digestOfBlocks(count));
    await hash[Symbol.asyncDispose]();
    closeSync(fd);
  }
});

test.each([
  ['grows', worthATail + (8 << 20)],
  ['is cut short', 8 << 20],
])('a long file that %s while it is read is stored under the digest of what is stored', async (_, size) => {
  const path = join(folder, 'restless');
  writeFileSync(path, '');
  truncateSync(path, worthATail);
  const written = store.blobs.writeFile(path, signal);
  const fd = openSync(path, 'r+');
  truncateSync(path, size);
  writeSync(fd, block, 0, block.length, 2 << 20);
  writeSync(fd, block, 0, block.length, 7 << 20);
  closeSync(fd);
  const info = await written;
  expect(info.size).toBe(size);
  const hash = createHash('sha256');
  for await (const chunk of (await store.blobs.open(info.digest, signal)) ?? []) hash.update(chunk);
  expect(digestFromHex(hash.digest('hex'))).toBe(info.digest);
  expect((await store.verify({}, signal)).findings).toEqual([]);
});

test.each([long - 2, long])('an abort after %i blocks leaves nothing', async (count) => {
  const controller = new AbortController();
  const content = blocks(long + 1, (at) => {
    if (at === count) controller.abort(new Error('Enough'));
  });
  await expect(store.blobs.write(content, controller.signal)).rejects.toThrow('Enough');
  expect(unfinished()).toEqual([]);
  expect([...store.list()]).toEqual([]);
});

test('an abort while the thread hashes the rest ends it', async () => {
  const controller = new AbortController();
  const fd = openSync(join(folder, 'rest'), 'wx+');
  await using hash = createFileHash(fd, worthATail, controller.signal);
  const finished = hash.finish();
  controller.abort(new Error('Enough'));
  await expect(finished).rejects.toThrow('Enough');
  await hash[Symbol.asyncDispose]();
  closeSync(fd);
});

test('a thread that dies, or cannot read what it was told of, is an error with a code', async () => {
  const silent = new Worker('process.exit(0)', { eval: true });
  await expect(answerOf(silent, 'tail', signal)).rejects.toMatchObject({ code: 'PK7001' });
  const path = join(folder, 'short');
  writeFileSync(path, 'short');
  const fd = openSync(path, 'r');
  const job = { fd, progress: new BigInt64Array(new SharedArrayBuffer(8)) };
  const thread = startHashThread({ kind: 'tail', ...job });
  tellProgress(job, statSync(path).size + 1, true);
  await expect(answerOf(thread, 'tail', signal)).rejects.toMatchObject({
    code: 'PK7001',
    cause: { message: 'The file ends after 5 of 6 bytes' },
  });
  closeSync(fd);
});

test('a system error met by the thread keeps its code', async () => {
  const fd = openSync(folder, 'r');
  const job = { fd, progress: new BigInt64Array(new SharedArrayBuffer(8)) };
  tellProgress(job, 1, true);
  await expect(answerOf(startHashThread({ kind: 'tail', ...job }), 'tail', signal)).rejects.toMatchObject({ code: 'EISDIR' });
  closeSync(fd);
});
