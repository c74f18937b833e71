import { existsSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { afterAll, describe, expect, test } from 'vitest';
import { copy } from '../copy/copy.ts';
import type { Descriptor } from '../model/descriptor.ts';
import type { Target } from '../model/ports.ts';
import { describe as blobOf, emptyBlob, produceIndex, produceManifest } from '../model/produce.ts';
import type { Produced } from '../model/produce.ts';
import { bytesSource } from '../model/read.ts';
import { collectLayout } from './collect.ts';
import { blobPath } from './files.ts';
import { folderSource, folderTarget } from './folder.ts';
import { heldBlobs } from './held.ts';
import { memoryLayout } from './memory.ts';
import { verifyLayout } from './verify.ts';

const { signal } = new AbortController();
const scratch = mkdtempSync(join(tmpdir(), 'portkit-collect-'));
afterAll(() => rmSync(scratch, { recursive: true }));
const folder = (): string => mkdtempSync(join(scratch, 'layout-'));

const blob = (text: string): Produced => ({ bytes: Buffer.from(text), descriptor: blobOf(Buffer.from(text), 'text/plain') });

async function push(target: Target, { bytes, descriptor }: Produced): Promise<Descriptor> {
  await target.push(descriptor, bytesSource(bytes), signal);
  return descriptor;
}

/** Pushes an artifact with one layer of its own and one that all have. */
async function artifact(target: Target, text: string, subject?: Descriptor): Promise<Descriptor> {
  for (const one of [emptyBlob, blob(text), blob('shared')]) await push(target, one);
  const layers = [blob(text).descriptor, blob('shared').descriptor];
  return push(target, produceManifest({ artifactType: 'text/x', layers, ...(subject && { subject }) }));
}

/** Collects in two days, when all that is there now is old. */
function collect(directory: string, { untagged = false, dryRun = false, keep = 86_400_000 } = {}) {
  return collectLayout(directory, { untagged, dryRun, keep, now: Date.now() + 2 * 86_400_000 }, signal);
}

async function faultsIn(directory: string): Promise<readonly string[]> {
  const { faults } = await verifyLayout({ source: folderSource(directory), blobs: await heldBlobs(directory) }, signal);
  return faults.map(({ problem, digest }) => `${problem} ${digest}`);
}

const digests = (blobs: readonly { readonly digest: string }[]): readonly string[] =>
  blobs.map(({ digest }) => digest).toSorted();
const filesIn = (directory: string): readonly string[] => readdirSync(directory, { recursive: true }).map(String).toSorted();

/** A layout in which a tag moved on; with a signature of what it stands for now. */
async function moved() {
  const directory = folder();
  const target = folderTarget(directory);
  const old = await artifact(target, 'old');
  await target.tag(old, 'v1', signal);
  const now = await artifact(target, 'new');
  await target.tag(now, 'v1', signal);
  const signature = await artifact(target, 'signature', now);
  return { directory, target, old, now, signature };
}

test('what no entry leads to goes, and nothing else', async () => {
  const { directory, target, old, now, signature } = await moved();
  const dry = await collect(directory, { dryRun: true });
  const done = await collect(directory);
  expect(digests(done.removed)).toEqual(digests([old, blob('old').descriptor]));
  expect([done.young, done.unlisted, dry]).toEqual([[], [], done]);
  expect(await faultsIn(directory)).toEqual([]);
  expect(await target.resolve('v1', signal)).toMatchObject({ digest: now.digest });
  expect(await Array.fromAsync(target.referring?.referrers(now, signal) ?? [])).toMatchObject([{ digest: signature.digest }]);
  expect((await collect(directory)).removed).toEqual([]);
});

test('a dry run changes no file, and makes none', async () => {
  const { directory } = await moved();
  rmSync(join(directory, '.portkit-lock'));
  const before = filesIn(directory);
  expect((await collect(directory, { dryRun: true })).removed).toHaveLength(2);
  expect(filesIn(directory)).toEqual(before);
});

describe('what somebody may be about to list', () => {
  test('stays as long as it is young', async () => {
    const { directory, old } = await moved();
    const young = await collectLayout(directory, { untagged: false, dryRun: false, keep: 60_000, now: Date.now() }, signal);
    expect([young.removed, digests(young.young)]).toEqual([[], digests([old, blob('old').descriptor])]);
    const none = await collectLayout(directory, { untagged: false, dryRun: false, keep: 0, now: Date.now() }, signal);
    expect(digests(none.removed)).toEqual(digests(young.young));
  });

  test('stays when it was old and is found to be there by who copies', async () => {
    const directory = folder();
    for (const text of ['stays', 'goes', 'asked for']) await push(folderTarget(directory), blob(text));
    await artifact(folderTarget(directory), 'x');
    await setTimeout(30);
    const between = Date.now();
    await setTimeout(30);
    const target = folderTarget(directory);
    expect(await target.push(blob('stays').descriptor, bytesSource(blob('stays').bytes), signal)).toBe('existed');
    expect(await target.exists(blob('asked for').descriptor, signal)).toBe(true);
    const done = await collectLayout(directory, { untagged: false, dryRun: false, keep: 1, now: between + 2 }, signal);
    expect(digests(done.removed)).toEqual(digests([blob('goes').descriptor]));
    expect(digests(done.young)).toEqual(digests([blob('stays').descriptor, blob('asked for').descriptor]));
  });

  test('stays with --untagged while the copy that listed it goes on', async () => {
    const directory = folder();
    const listed = await artifact(folderTarget(directory), 'a child');
    const done = await collectLayout(directory, { untagged: true, dryRun: false, keep: 60_000, now: Date.now() }, signal);
    expect([done.removed, done.unlisted]).toEqual([[], []]);
    expect(await folderSource(directory).roots(signal)).toEqual([listed]);
  });
});

describe('without what has no name', () => {
  test('goes what a tag was taken from, with what refers to it', async () => {
    const { directory, target, now, signature } = await moved();
    const other = await artifact(target, 'other');
    await target.tag(other, 'v2', signal);
    await target.deleting?.delete('v1', signal);
    expect((await collect(directory)).removed).toHaveLength(2);
    const done = await collect(directory, { untagged: true });
    expect(digests(done.unlisted)).toEqual(digests([now, signature]));
    expect(digests(done.removed)).toEqual(digests([now, signature, blob('new').descriptor, blob('signature').descriptor]));
    expect((await target.roots(signal)).map(({ digest }) => digest)).toEqual([other.digest]);
    expect(await faultsIn(directory)).toEqual([]);
  });

  test('stays what refers to what stays, however far, and what is referred to by it', async () => {
    const directory = folder();
    const target = folderTarget(directory);
    const main = await artifact(target, 'main');
    await target.tag(main, 'v1', signal);
    const signature = await artifact(target, 'signature', main);
    await artifact(target, 'countersignature', signature);
    const subject = await artifact(target, 'subject');
    await target.tag(await artifact(target, 'named signature', subject), 'sig', signal);
    const before = await target.roots(signal);
    expect(await collect(directory, { untagged: true })).toEqual({ removed: [], young: [], unlisted: [] });
    expect(await target.roots(signal)).toEqual(before);
  });
});

describe('of what is not usual', () => {
  test('a document of a type that is not known keeps every digest in it, and what these lead to', async () => {
    const directory = folder();
    const target = folderTarget(directory);
    const inner = await artifact(target, 'inner');
    const legacy = { mediaType: 'application/vnd.example.list+json', blobs: [{ digest: inner.digest }], a: 1 };
    const bytes = Buffer.from(JSON.stringify(legacy));
    const listed = { ...blobOf(bytes, legacy.mediaType) };
    await push(target, { bytes, descriptor: listed });
    const { bytes: index } = produceIndex({ manifests: [listed] });
    writeFileSync(join(directory, 'index.json'), index);
    expect((await collect(directory)).removed).toEqual([]);
    expect(await faultsIn(directory)).toEqual([]);
  });

  test('an index may name what is elsewhere', async () => {
    const directory = folder();
    const [all, target] = [memoryLayout(), folderTarget(directory)];
    const [here, elsewhere] = [await artifact(all, 'here'), await artifact(all, 'elsewhere')];
    await copy({ source: all, name: here.digest }, { target }, { signal });
    await push(target, produceIndex({ manifests: [here, elsewhere] }));
    await push(target, blob('loose'));
    expect(digests((await collect(directory)).removed)).toEqual(digests([blob('loose').descriptor]));
    expect(await faultsIn(directory)).toEqual([`missing ${elsewhere.digest}`]);
  });

  test('what is not called as a blob, and links, are left where they are', async () => {
    const { directory } = await moved();
    const link = `blobs/sha256/${'0'.repeat(64)}`;
    symlinkSync(join(directory, 'oci-layout'), join(directory, link));
    for (const path of ['blobs/sha256/notes.txt', 'blobs/md5/1', 'blobs/README', 'oci-layout.bak']) {
      mkdirSync(dirname(join(directory, path)), { recursive: true });
      writeFileSync(join(directory, path), 'mine');
    }
    const before = filesIn(directory);
    const { removed } = await collect(directory, { untagged: true });
    const gone = new Set(removed.map(({ digest }) => blobPath(digest)));
    expect(gone.size).toBe(2);
    expect(filesIn(directory)).toEqual(before.filter((path) => !gone.has(path)));
  });
});

describe('nothing is removed', () => {
  test.each<[string, string, (directory: string, at: (one: Descriptor) => string, now: Descriptor) => void]>([
    ['while a listed manifest is missing', 'PK4001', (_, at, now) => rmSync(at(now))],
    ['while one is damaged', 'PK4003', (_, at, now) => writeFileSync(at(now), Buffer.alloc(now.size, '!'))],
    ['while one is cut', 'PK4003', (_, at, now) => writeFileSync(at(now), '{')],
    ['where the index is none', 'PK4002', (directory) => writeFileSync(join(directory, 'index.json'), '{}')],
    ['where the index is gone', 'PK4002', (directory) => rmSync(join(directory, 'index.json'))],
    ['where no layout is said to be', 'PK4002', (directory) => rmSync(join(directory, 'oci-layout'))],
    [
      'where the index is a link',
      'PK4002',
      (directory) => {
        renameSync(join(directory, 'index.json'), join(directory, 'real.json'));
        symlinkSync('real.json', join(directory, 'index.json'));
      },
    ],
    [
      'through a link in the place of a folder',
      'PK4002',
      (directory) => {
        renameSync(join(directory, 'blobs/sha256'), join(directory, 'elsewhere'));
        symlinkSync('../elsewhere', join(directory, 'blobs/sha256'));
      },
    ],
    ['under a lock that somebody filled', 'PK4002', (directory) => writeFileSync(join(directory, '.portkit-lock'), 'x')],
  ])('%s', async (_, code, change) => {
    const { directory, now } = await moved();
    change(directory, ({ digest }) => join(directory, blobPath(digest)), now);
    const before = filesIn(directory);
    await expect(collect(directory)).rejects.toMatchObject({ code });
    await expect(collect(directory, { untagged: true })).rejects.toMatchObject({ code });
    expect(filesIn(directory)).toEqual(before);
  });

  test('and nothing made, where no layout is', async () => {
    const empty = folder();
    await expect(collect(empty)).rejects.toMatchObject({ code: 'PK4002' });
    await expect(collect(join(empty, 'none'))).rejects.toMatchObject({ code: 'PK4002' });
    expect([readdirSync(empty), existsSync(join(empty, 'none'))]).toEqual([[], false]);
  });
});
