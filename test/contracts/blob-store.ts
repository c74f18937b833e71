import { randomBytes } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { digestOf } from '../../src/base/digest.ts';
import type { BlobStore, SmallBlobs } from '../../src/store/blobs.ts';

const { signal } = new AbortController();

/** Yields bytes in chunks of a size. */
export async function* chunked(bytes: Uint8Array, size = 65_536): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield await Promise.resolve(bytes.subarray(at, at + size));
}

/** Reads a blob whole, or undefined. */
export async function readAll(store: BlobStore, digest: ReturnType<typeof digestOf>): Promise<Buffer | undefined> {
  const content = await store.open(digest, signal);
  if (content === undefined) return undefined;
  const chunks: Uint8Array[] = [];
  for await (const chunk of content) chunks.push(Uint8Array.from(chunk));
  return Buffer.concat(chunks);
}

/** What every blob store must do; each adapter's test runs it. */
export function blobStoreContract(name: string, open: () => BlobStore & Partial<SmallBlobs>): void {
  describe(`${name} keeps the contract of a blob store`, () => {
    for (const size of [0, 1, 4096, 65_537, 1_000_003]) {
      test(`gives back ${size} bytes as they came`, async () => {
        const store = open();
        const bytes = randomBytes(size);
        const info = await store.write(chunked(bytes), signal);
        expect(info).toEqual({ digest: digestOf(bytes), size });
        expect(await store.stat(info.digest, signal)).toEqual(info);
        expect(await readAll(store, info.digest)).toEqual(bytes);
      });
    }

    test('answers undefined for what is not there', async () => {
      const store = open();
      const digest = digestOf('never written');
      expect(await store.stat(digest, signal)).toBeUndefined();
      expect(await store.open(digest, signal)).toBeUndefined();
    });

    test('takes the same bytes twice, also at the same time', async () => {
      const store = open();
      const bytes = randomBytes(100_000);
      const infos = await Promise.all([1, 2, 3].map(() => store.write(chunked(bytes), signal)));
      expect(new Set(infos.map((info) => info.digest)).size).toBe(1);
      expect(await readAll(store, digestOf(bytes))).toEqual(bytes);
    });

    test('passes on the failure of a source and keeps nothing of it', async () => {
      const store = open();
      const bytes = randomBytes(70_000);
      async function* broken(): AsyncGenerator<Uint8Array> {
        yield* chunked(bytes);
        throw new Error('The source broke');
      }
      await expect(store.write(broken(), signal)).rejects.toThrow('The source broke');
      expect(await store.stat(digestOf(bytes), signal)).toBeUndefined();
    });

    test('stops with the reason of an aborted signal', async () => {
      const store = open();
      const controller = new AbortController();
      async function* endless(): AsyncGenerator<Uint8Array> {
        for (let count = 0; ; count += 1) {
          if (count === 3) controller.abort(new Error('Enough'));
          yield await Promise.resolve(randomBytes(1000));
        }
      }
      await expect(store.write(endless(), controller.signal)).rejects.toThrow('Enough');
    });
  });
}

/** What every store of small blobs must do. */
export function smallBlobsContract(name: string, open: () => SmallBlobs): void {
  describe(`${name} keeps the contract of small blobs`, () => {
    test('gives back a committed batch', async () => {
      const store = open();
      const blobs = Array.from({ length: 500 }, (_, at) => Buffer.from(`blob ${at % 400}`.repeat((at % 400) + 1)));
      const batch = store.batch();
      const digests = blobs.map((bytes) => batch.add(bytes));
      await batch.commit(signal);
      digests.forEach((digest, at) => {
        expect(digest).toBe(digestOf(blobs[at] ?? ''));
        expect(Buffer.from(store.get(digest) ?? [])).toEqual(blobs[at]);
      });
    });

    test('refuses a blob above the limit that was asked for', async () => {
      const store = open();
      const batch = store.batch();
      const digest = batch.add(Buffer.alloc(100, 1));
      await batch.commit(signal);
      expect(() => store.get(digest, 99)).toThrow(/100 bytes/);
      expect(store.get(digest, 100)?.length).toBe(100);
    });
  });
}
