import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  renameSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { digestOf, hexOf } from '../base/digest.ts';
import type { Digest } from '../base/digest.ts';
import { chunked, readAll } from '../../test/contracts/blob-store.ts';
import { openStore } from './open.ts';
import type { OpenOptions } from './open.ts';
import type { Store } from './store.ts';

const { signal } = new AbortController();
let root: string;
let now: number;
let opened: Store[];

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'portkit-store-'));
  now = 1_000_000_000_000;
  opened = [];
});

afterEach(async () => {
  for (const store of opened) await store[Symbol.asyncDispose]();
  rmSync(root, { recursive: true, force: true });
});

function open(options: OpenOptions = {}): Store {
  const store = openStore(root, { now: () => now }, options);
  opened.push(store);
  return store;
}

async function close(store: Store): Promise<void> {
  opened = opened.filter((one) => one !== store);
  await store[Symbol.asyncDispose]();
}

async function put(store: Store, bytes: Uint8Array): Promise<Digest> {
  return (await store.blobs.write(chunked(bytes), signal)).digest;
}

async function putSmall(store: Store, ...blobs: Uint8Array[]): Promise<Digest[]> {
  const batch = store.blobs.batch();
  const digests = blobs.map((bytes) => batch.add(bytes));
  await batch.commit(signal);
  return digests;
}

const loose = (digest: Digest): string => join(root, 'v1/blobs/sha256', hexOf(digest));
const onlyPack = (): string => join(root, 'v1/packs', readdirSync(join(root, 'v1/packs'))[0] ?? '');

const damages: Readonly<Record<string, (path: string) => void>> = {
  'a flipped bit': (path) => {
    const bytes = readFileSync(path);
    bytes[40] = (bytes[40] ?? 0) ^ 1;
    chmodSync(path, 0o600);
    writeFileSync(path, bytes);
  },
  'a truncated file': (path) => {
    chmodSync(path, 0o600);
    truncateSync(path, 30);
  },
  'an extended file': (path) => {
    const bytes = readFileSync(path);
    chmodSync(path, 0o600);
    writeFileSync(path, Buffer.concat([bytes, Buffer.from('x')]));
  },
  'a zeroed file': (path) => {
    const size = readFileSync(path).length;
    chmodSync(path, 0o600);
    writeFileSync(path, Buffer.alloc(size));
  },
  'a folder in its place': (path) => {
    rmSync(path);
    mkdirSync(path);
  },
};

describe('a damaged blob in a file of its own', () => {
  for (const [name, damage] of Object.entries(damages)) {
    test(`${name}: never served, quarantined, healed by a put`, async () => {
      const store = open();
      const bytes = randomBytes(300_000);
      const digest = await put(store, bytes);
      damage(loose(digest));
      await expect(readAll(store.blobs, digest)).rejects.toMatchObject({ code: 'PK2001' });
      expect(readdirSync(join(root, 'v1/quarantine'))).toEqual([`${hexOf(digest)}.1`]);
      expect(await readAll(store.blobs, digest)).toBeUndefined();
      expect(await put(store, bytes)).toBe(digest);
      expect(await readAll(store.blobs, digest)).toEqual(bytes);
    });

    test(`${name}: healed by a put that nobody warned`, async () => {
      const store = open();
      const bytes = randomBytes(300_000);
      const digest = await put(store, bytes);
      damage(loose(digest));
      await put(store, bytes);
      expect(await readAll(store.blobs, digest)).toEqual(bytes);
      expect(readdirSync(join(root, 'v1/quarantine'))).toHaveLength(1);
    });

    test(`${name}: found and repaired by verify`, async () => {
      const store = open();
      const digest = await put(store, randomBytes(300_000));
      damage(loose(digest));
      const found = await store.verify({ repair: true }, signal);
      expect(found.findings).toMatchObject([{ problem: 'corrupt', object: 'blob', name: digest, repaired: true }]);
      expect((await store.verify({}, signal)).findings).toEqual([]);
    });
  }
});

describe('a damaged pack', () => {
  for (const [name, damage] of Object.entries(damages)) {
    test(`${name}: no wrong byte, and a put heals`, async () => {
      const blobs = [randomBytes(100), randomBytes(20_000), randomBytes(5)];
      const store = open();
      const digests = await putSmall(store, ...blobs);
      await close(store);
      damage(onlyPack());
      const again = open();
      digests.forEach((digest, at) => {
        let read: Uint8Array | undefined;
        try {
          read = again.blobs.get(digest);
        } catch (error) {
          expect(error).toMatchObject({ code: 'PK2001' });
        }
        if (read !== undefined) expect(Buffer.from(read)).toEqual(blobs[at]);
      });
      const found = await again.verify({ repair: true }, signal);
      expect(
        found.findings.some((finding) => finding.object === 'pack' || finding.object === 'blob') || name === 'a flipped bit',
      ).toBe(true);
      await putSmall(again, ...blobs);
      digests.forEach((digest, at) => expect(Buffer.from(again.blobs.get(digest) ?? [])).toEqual(blobs[at]));
      expect((await again.verify({}, signal)).findings).toEqual([]);
    });
  }
});

describe('action records', () => {
  test('are found again by another process, and need their outputs', async () => {
    const store = open();
    const [output, key] = [await put(store, randomBytes(10)), digestOf('key')];
    store.actions.save([{ key, outputs: [{ kind: 'blob', digest: output }], detail: { inputs: ['a'] } }]);
    await close(store);
    const again = open();
    expect(again.actions.lookup(key)).toEqual({ key, outputs: [{ kind: 'blob', digest: output }], detail: { inputs: ['a'] } });
    rmSync(loose(output));
    expect(again.actions.lookup(key)).toBeUndefined();
    const missing = { key, outputs: [{ kind: 'blob' as const, digest: digestOf('nothing') }], detail: null };
    expect(() => again.actions.save([missing])).toThrow(expect.objectContaining({ code: 'PK2002' }));
  });

  test('survive the loss of the index, tags and packs too', async () => {
    const store = open();
    const [small = digestOf('')] = await putSmall(store, randomBytes(50), randomBytes(60));
    const big = await put(store, randomBytes(100_000));
    const record = { key: digestOf('key'), outputs: [{ kind: 'blob' as const, digest: small }], detail: 7 };
    store.actions.save([record]);
    store.tags.set('a', { kind: 'blob', digest: big });
    store.tags.set('b', { kind: 'blob', digest: big });
    store.tags.set('a', { kind: 'blob', digest: small });
    store.tags.delete('b');
    await close(store);
    for (const name of ['index.db', 'index.db-wal', 'index.db-shm']) rmSync(join(root, 'v1', name), { force: true });
    const again = open();
    expect(again.actions.lookup(record.key)).toEqual(record);
    expect(again.tags.list()).toEqual([{ name: 'a', ref: { kind: 'blob', digest: small } }]);
    expect(again.blobs.present([small, big])).toEqual([true, true]);
    expect((await again.verify({}, signal)).findings).toEqual([]);
  });

  test('a damaged index is refused with a hint, and made anew when asked', async () => {
    const store = open();
    const digest = await put(store, randomBytes(1000));
    await close(store);
    writeFileSync(join(root, 'v1/index.db'), randomBytes(8192));
    expect(() => open()).toThrow(expect.objectContaining({ code: 'PK2010' }));
    expect(open({ replaceDamagedIndex: true }).blobs.present([digest])).toEqual([true]);
  });
});

describe('what stands in the place of a file', () => {
  const others: Readonly<Record<string, (path: string) => void>> = {
    'a FIFO': (path) => void execFileSync('mkfifo', [path]),
    'a link to itself': (path) => symlinkSync(path, path),
    'a link to another file': (path) => {
      writeFileSync(join(root, 'elsewhere'), 'another');
      symlinkSync(join(root, 'elsewhere'), path);
    },
  };
  for (const [name, make] of Object.entries(others)) {
    test(`${name} is damage of a blob or pack, and a put heals it`, async () => {
      const first = open();
      const [bytes, tiny] = [randomBytes(200_000), randomBytes(20)];
      const digest = await put(first, bytes);
      const [packed = digest] = await putSmall(first, tiny);
      await close(first);
      for (const path of [loose(digest), onlyPack()]) {
        rmSync(path);
        make(path);
      }
      const store = open();
      const { findings } = await store.verify({ repair: true }, signal);
      expect(findings.map(({ object, repaired }) => [object, repaired])).toEqual([
        ['blob', true],
        ['blob', true],
        ['pack', true],
      ]);
      expect(await readAll(store.blobs, digest)).toBeUndefined();
      await put(store, bytes);
      await putSmall(store, tiny);
      expect([await readAll(store.blobs, digest), await readAll(store.blobs, packed)]).toEqual([bytes, tiny]);
      expect((await store.verify({}, signal)).findings).toEqual([]);
    });

    test(`${name} is damage of the index`, async () => {
      await close(open());
      rmSync(join(root, 'v1/index.db'));
      make(join(root, 'v1/index.db'));
      expect(() => open()).toThrow(expect.objectContaining({ code: 'PK2010' }));
      await put(open({ replaceDamagedIndex: true }), randomBytes(10));
    });
  }
});

describe('a pack that is not whole', () => {
  test('is replaced for everybody by a put of the same blobs', async () => {
    const [writer, reader] = [open(), open()];
    const blobs = [randomBytes(100), randomBytes(200)];
    const digests = await putSmall(writer, ...blobs);
    const readBoth = (store: Store): unknown => digests.map((digest) => Buffer.from(store.blobs.get(digest) ?? []));
    expect(readBoth(reader)).toEqual(blobs);
    damages['a zeroed file']?.(onlyPack());
    await putSmall(writer, ...blobs);
    expect([readBoth(writer), readBoth(reader)]).toEqual([blobs, blobs]);
    expect((await writer.verify({}, signal)).findings).toEqual([]);
  });

  test('only in its table keeps its blobs in a repair', async () => {
    const store = open();
    const blobs = [randomBytes(100), randomBytes(200)];
    const digests = await putSmall(store, ...blobs);
    damages['an extended file']?.(onlyPack());
    const { findings } = await store.verify({ repair: true }, signal);
    expect(findings).toMatchObject([{ problem: 'corrupt', object: 'pack', repaired: true }]);
    expect(digests.map((digest) => Buffer.from(store.blobs.get(digest) ?? []))).toEqual(blobs);
    expect(readdirSync(join(root, 'v1/quarantine'))).toHaveLength(1);
    await store.rebuildIndex(signal);
    expect(store.blobs.present(digests)).toEqual([true, true]);
    expect((await store.verify({}, signal)).findings).toEqual([]);
  });

  test('of a crash before its commit is found, taken in, and collected', async () => {
    const first = open();
    await putSmall(first, randomBytes(100));
    await close(first);
    const index = new DatabaseSync(join(root, 'v1/index.db'));
    index.exec('DELETE FROM blobs; DELETE FROM packs');
    index.close();
    const store = open();
    expect((await store.verify({ repair: true }, signal)).findings).toMatchObject([{ problem: 'orphan', object: 'pack' }]);
    expect((await store.verify({}, signal)).findings).toEqual([]);
    await close(store);
    await open().collect({}, signal);
    expect(readdirSync(join(root, 'v1/packs'))).toEqual([]);
  });
});

describe('collection', () => {
  test('keeps what tags, leases and records lead to, and takes the rest', async () => {
    const first = open();
    const [tagged, held, output, loner] = [
      await put(first, randomBytes(10)),
      await put(first, randomBytes(11)),
      await put(first, randomBytes(12)),
      await put(first, randomBytes(13)),
    ];
    first.tags.set('keep', { kind: 'blob', digest: tagged });
    first.actions.save([{ key: digestOf('k'), outputs: [{ kind: 'blob', digest: output }], detail: null }]);
    await close(first);
    const store = open();
    {
      using lease = store.lease('build');
      expect(lease.hold([{ kind: 'blob', digest: held }])).toEqual([true]);
      const generation = store.generation();
      expect(await store.collect({}, signal)).toEqual({ blobs: 1, records: 0, bytes: 13 });
      expect(store.generation()).toBeGreaterThan(generation);
    }
    expect(store.blobs.present([tagged, held, output, loner])).toEqual([true, true, true, false]);
    expect(existsSync(loose(loner))).toBe(false);
    await close(store);
    const last = open();
    await last.collect({ maxSize: 0 }, signal);
    expect(last.blobs.present([tagged, held, output])).toEqual([true, false, false]);
    expect(last.actions.lookup(digestOf('k'))).toBeUndefined();
    expect((await last.verify({}, signal)).findings).toEqual([]);
  });

  test('never takes what a running process wrote without a lease', async () => {
    const writer = open();
    const digest = await put(writer, randomBytes(100));
    const other = open();
    await other.collect({ maxSize: 0 }, signal);
    expect(other.blobs.present([digest])).toEqual([true]);
    await close(writer);
    await other.collect({ maxSize: 0 }, signal);
    expect(other.blobs.present([digest])).toEqual([false]);
  });

  test('goes by last use within the budget', async () => {
    const store = open();
    const old = await put(store, randomBytes(1000));
    now += 10 * 3_600_000;
    const young = await put(store, randomBytes(1000));
    await close(store);
    const later = open();
    expect(await later.collect({ maxSize: 1500, dryRun: true }, signal)).toEqual({ blobs: 1, records: 0, bytes: 1000 });
    await later.collect({ maxSize: 1500 }, signal);
    expect(later.blobs.present([old, young])).toEqual([false, true]);
  });

  test('gives back the room of packs whose blobs are gone', async () => {
    const store = open();
    const blobs = Array.from({ length: 100 }, () => randomBytes(10_000));
    const digests = await putSmall(store, ...blobs);
    store.tags.set('one', { kind: 'blob', digest: digests[0] ?? digestOf('') });
    await close(store);
    const later = open();
    await later.collect({}, signal);
    expect(readFileSync(onlyPack()).length).toBeLessThan(11_000);
    expect(Buffer.from(later.blobs.get(digests[0] ?? digestOf('')) ?? [])).toEqual(blobs[0]);
  });

  test.each([-10, 10])('a clock %i years off takes nothing that is held', async (years) => {
    const first = open();
    const digest = await put(first, randomBytes(100));
    first.tags.set('held', { kind: 'blob', digest });
    await close(first);
    now += years * 365 * 86_400_000;
    const store = open();
    await store.collect({ keep: 1000, maxSize: 0 }, signal);
    expect(store.blobs.present([digest])).toEqual([true]);
  });
});

describe('a root', () => {
  test('of a newer format, that is a file, or of another user is refused', () => {
    expect(() => open({ uid: 4_242_424 })).toThrow(expect.objectContaining({ code: 'PK2006' }));
    mkdirSync(join(root, 'v2'));
    expect(() => open()).toThrow(expect.objectContaining({ code: 'PK2005' }));
    const file = join(root, 'file');
    writeFileSync(file, '');
    expect(() => openStore(file, { now: () => 0 })).toThrow(expect.objectContaining({ code: 'PK2006' }));
  });

  test('that is locked is refused after the stated wait', async () => {
    const store = open({ lockWaitMs: 50 });
    const holder = new DatabaseSync(join(root, 'v1/index.db'));
    holder.exec('BEGIN IMMEDIATE');
    await expect(put(store, randomBytes(10))).rejects.toMatchObject({ code: 'PK2004' });
    holder.exec('ROLLBACK');
    holder.close();
    await put(store, randomBytes(10));
  });

  test('says what the disk holds', async () => {
    const store = open();
    await put(store, randomBytes(1_000_000));
    const blobs = store.usage().find((usage) => usage.kind === 'blobs');
    expect(blobs?.files).toBe(1);
    expect(blobs?.bytes).toBeGreaterThanOrEqual(1_000_000);
    renameSync(join(root, 'CACHEDIR.TAG'), join(root, 'tag'));
  });
});
