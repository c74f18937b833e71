import { execFileSync } from 'node:child_process';
import {
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterAll, expect, test } from 'vitest';
import { byteString } from '../../base/byte-string.ts';
import { digestOf } from '../../base/digest.ts';
import { createMemoryStore } from '../../store/memory.ts';
import { newTree, putEntry, writeTree } from '../../store/trees/editor.ts';
import { copy } from '../copy/copy.ts';
import type { Descriptor } from '../model/descriptor.ts';
import type { OciDigest } from '../model/digest.ts';
import { mediaTypes } from '../model/media-types.ts';
import type { Source, Target } from '../model/ports.ts';
import { describe as blobOf, emptyBlob, produceIndex, produceManifest } from '../model/produce.ts';
import type { Produced } from '../model/produce.ts';
import { bytesSource, readManifest } from '../model/read.ts';
import { successors } from '../model/successors.ts';
import { openArchive } from './archive.ts';
import { blobPath } from './files.ts';
import { folderSource, folderTarget } from './folder.ts';
import { memoryFiles, memoryLayout } from './memory.ts';
import { layoutTarget } from './target.ts';
import { treeSource } from './tree.ts';
import { writeArchive } from './write-archive.ts';

const { signal } = new AbortController();
const scratch = mkdtempSync(join(tmpdir(), 'portkit-layout-'));
afterAll(() => rmSync(scratch, { recursive: true }));
const folder = () => mkdtempSync(join(scratch, 'layout-'));

async function put(target: Target, { bytes, descriptor }: Produced): Promise<Descriptor> {
  await target.push(descriptor, bytesSource(bytes), signal);
  return descriptor;
}

const blob = (text: string): Produced => ({ bytes: Buffer.from(text), descriptor: blobOf(Buffer.from(text), 'text/plain') });

/** An artifact with one layer. */
function artifact(text: string, subject?: Descriptor): Produced {
  return produceManifest({
    artifactType: 'text/x',
    config: emptyBlob.descriptor,
    layers: [blob(text).descriptor],
    ...(subject === undefined ? {} : { subject, annotations: { of: text } }),
  });
}

async function putArtifact(target: Target, text: string, subject?: Descriptor): Promise<Descriptor> {
  await put(target, emptyBlob);
  await put(target, blob(text));
  return put(target, artifact(text, subject));
}

async function readAll(source: Source, descriptor: Descriptor): Promise<Buffer> {
  return Buffer.concat(await Array.fromAsync(await source.fetch(descriptor, signal)));
}

/** Reads all that a name leads to. */
async function check(source: Source, name: string): Promise<Descriptor> {
  const found = await source.resolve(name, signal);
  if (found === undefined) throw new Error(`${name} is not there`);
  for (const one of successors(await readManifest(source, found, signal))) await readAll(source, one);
  return found;
}

test('the order of writing does not show', async () => {
  const indexes = [];
  for (const order of [['a', 'b', 'c'] as const, ['c', 'a', 'b'] as const]) {
    const path = folder();
    const target = folderTarget(path);
    for (const name of order) await target.tag(await putArtifact(target, name), `tag-${name}`, signal);
    await putArtifact(target, 'signature', artifact('a').descriptor);
    indexes.push(readFileSync(join(path, 'index.json'), 'utf8'));
    expect(await Array.fromAsync(target.tags(signal))).toEqual(['tag-a', 'tag-b', 'tag-c']);
    expect(readdirSync(path).toSorted()).toEqual(['.portkit-lock', 'blobs', 'index.json', 'oci-layout']);
  }
  expect(indexes[0]).toBe(indexes[1]);
  expect(indexes[0]).toMatch(/"tag-a".*"tag-b".*"tag-c".*"artifactType":"text\/x"\}\]\}$/);
});

test('what is written is read: names, digests, what was there before, and what an index leads to', async () => {
  const path = folder();
  const target = folderTarget(path);
  const inner = await putArtifact(target, 'inner');
  const index = await put(target, produceIndex({ manifests: [inner] }));
  await target.tag(index, 'v1', signal);
  const source = folderSource(path);
  expect((await source.roots(signal)).map(({ digest }) => digest)).toEqual([index.digest]);
  expect(await source.resolve(inner.digest, signal)).toMatchObject({ mediaType: mediaTypes.manifest, size: inner.size });
  expect(await source.resolve('v2', signal)).toBeUndefined();
  expect(await source.resolve(digestOf('none'), signal)).toBeUndefined();
  expect(await target.push(inner, bytesSource(artifact('inner').bytes), signal)).toBe('existed');
  await expect(source.fetch(blob('none').descriptor, signal)).rejects.toMatchObject({ code: 'PK4001' });
  await expect(target.tag(blob('none').descriptor, 'v2', signal)).rejects.toMatchObject({ code: 'PK4001' });
  await expect(target.tag(index, '../x', signal)).rejects.toMatchObject({ code: 'PK4005' });
});

test('a name that moves leaves what refers to something, and nothing else', async () => {
  const target = memoryLayout();
  const first = await putArtifact(target, 'first');
  const second = await putArtifact(target, 'second');
  const signature = await putArtifact(target, 'signature', first);
  await target.tag(first, 'v1', signal);
  await target.tag(signature, 'sig', signal);
  await target.tag(second, 'v1', signal);
  await target.tag(second, 'sig', signal);
  const names = (await target.roots(signal)).map(({ digest, annotations }) => [
    digest,
    annotations?.['org.opencontainers.image.ref.name'],
  ]);
  expect(names).toEqual([
    [second.digest, 'sig'],
    [second.digest, 'v1'],
    [signature.digest, undefined],
  ]);
});

test('what refers to a manifest is found in the list, and under the fallback tag', async () => {
  const target = memoryLayout();
  const root = await putArtifact(target, 'root');
  const listed = await putArtifact(target, 'listed', root);
  const other = await putArtifact(target, 'other', root);
  const list = await put(target, produceIndex({ manifests: [other] }));
  await target.tag(list, root.digest.replace(':', '-'), signal);
  await putArtifact(target, 'of another', listed);
  const found = await Array.fromAsync(target.referring?.referrers(root, signal) ?? []);
  expect(found.toSorted((a, b) => a.size - b.size || (a.digest < b.digest ? -1 : 1))).toEqual(
    [
      { ...listed, artifactType: 'text/x', annotations: { of: 'listed' } },
      { ...other, artifactType: 'text/x', annotations: { of: 'other' } },
    ].toSorted((a, b) => a.size - b.size || (a.digest < b.digest ? -1 : 1)),
  );
});

test('what refers to something stays in the list when an index leads to it', async () => {
  const target = memoryLayout();
  const root = await putArtifact(target, 'root');
  const signature = await putArtifact(target, 'signature', root);
  await put(target, produceIndex({ manifests: [root, signature] }));
  expect(await target.exists(signature, signal)).toBe(true);
  const found = await Array.fromAsync(target.referring?.referrers(root, signal) ?? []);
  expect(found.map(({ digest }) => digest)).toEqual([signature.digest]);
});

test('a layout that was only begun is still to be made; a folder with another index.json is none', async () => {
  const path = folder();
  writeFileSync(join(path, 'oci-layout'), '{"imageLayoutVersion":"1.0.0"}');
  await expect(folderSource(path).roots(signal)).rejects.toMatchObject({ code: 'PK4002' });
  await putArtifact(folderTarget(path), 'text');
  expect(await folderSource(path).roots(signal)).toHaveLength(1);
  const other = folder();
  writeFileSync(join(other, 'index.json'), '{}');
  await expect(putArtifact(folderTarget(other), 'text')).rejects.toMatchObject({ code: 'PK4002' });
  expect(readFileSync(join(other, 'index.json'), 'utf8')).toBe('{}');
});

test('writers of one folder wait for each other', async () => {
  const path = folder();
  const targets = [folderTarget(path), folderTarget(path)];
  await Promise.all(
    targets.flatMap((target, at) =>
      [0, 1, 2].map(async (one) => target.tag(await putArtifact(target, `${at}-${one}`), `v${at}.${one}`, signal)),
    ),
  );
  expect(await Array.fromAsync(folderTarget(path).tags(signal))).toHaveLength(6);
});

test('content that is not what it should be gets no name', async () => {
  const path = folder();
  const target = folderTarget(path);
  const { descriptor } = blob('right');
  for (const text of ['wrong', 'righ', 'right and more']) {
    await expect(target.push(descriptor, bytesSource(Buffer.from(text)), signal)).rejects.toMatchObject({ code: 'PK4003' });
  }
  expect(readdirSync(path, { recursive: true })).toEqual(['blobs', 'blobs/sha256']);
  const stopped = AbortSignal.abort(new Error('stopped'));
  await expect(target.push(descriptor, bytesSource(Buffer.from('right')), stopped)).rejects.toThrow('stopped');
  expect(readdirSync(path, { recursive: true })).toEqual(['blobs', 'blobs/sha256']);
});

test('what a killed writer left goes, and what it did not list is listed', async () => {
  const path = folder();
  const left = mkdtempSync(join(path, '.portkit-new-'));
  utimesSync(left, 1, 1);
  const target = folderTarget(path);
  const root = await putArtifact(target, 'root');
  expect(readdirSync(path)).not.toContain(left.slice(path.length + 1));
  const { bytes, descriptor } = artifact('signature', root);
  await put(target, blob('signature'));
  writeFileSync(join(path, blobPath(descriptor.digest)), bytes);
  expect(await target.exists(descriptor, signal)).toBe(false);
  expect(await target.push(descriptor, bytesSource(bytes), signal)).toBe('existed');
  expect(await target.exists(descriptor, signal)).toBe(true);
});

/** A layout folder with `v1`, and the manifest that this is. */
async function standing(): Promise<{ path: string; root: Descriptor }> {
  const path = folder();
  const files = new Map<string, Uint8Array>();
  const target = layoutTarget(memoryFiles('memory', files));
  const root = await putArtifact(target, 'text');
  await target.tag(root, 'v1', signal);
  mkdirSync(join(path, 'blobs/sha256'), { recursive: true });
  for (const [name, bytes] of files) writeFileSync(join(path, name), bytes);
  return { path, root };
}

const textPath = blobPath(blob('text').descriptor.digest);

test.each([
  [
    'a blob that is a link',
    'PK4002',
    (path: string) => (rmSync(join(path, textPath)), symlinkSync('/etc/passwd', join(path, textPath))),
  ],
  ['a blob that is a folder', 'PK4002', (path: string) => (rmSync(join(path, textPath)), mkdirSync(join(path, textPath)))],
  [
    'blobs behind a link',
    'PK4002',
    (path: string) => (rmSync(join(path, 'blobs/sha256'), { recursive: true }), symlinkSync('/tmp', join(path, 'blobs/sha256'))),
  ],
  ['a blob of another size', 'PK4003', (path: string) => writeFileSync(join(path, textPath), 'texts')],
  ['a blob with other bytes', 'PK4003', (path: string) => writeFileSync(join(path, textPath), 'tExt')],
  ['no blob', 'PK4001', (path: string) => rmSync(join(path, textPath))],
  ['no mark', 'PK4002', (path: string) => rmSync(join(path, 'oci-layout'))],
  [
    'a mark of another version',
    'PK4002',
    (path: string) => writeFileSync(join(path, 'oci-layout'), '{"imageLayoutVersion":"2.0.0"}'),
  ],
  ['a mark that is no JSON', 'PK4002', (path: string) => writeFileSync(join(path, 'oci-layout'), '1.0.0')],
  ['no index', 'PK4002', (path: string) => rmSync(join(path, 'index.json'))],
  ['an index that is a manifest', 'PK4002', (path: string) => writeFileSync(join(path, 'index.json'), artifact('text').bytes)],
  ['an index of a gigabyte', 'PK4006', (path: string) => truncateSync(join(path, 'index.json'), 2 ** 30)],
  [
    'an index that is a pipe',
    'PK4002',
    (path: string) => (rmSync(join(path, 'index.json')), execFileSync('mkfifo', [join(path, 'index.json')])),
  ],
])('a layout with %s is refused: %s', async (_, code, damage) => {
  const { path } = await standing();
  damage(path);
  await expect(check(folderSource(path), 'v1')).rejects.toMatchObject({ code });
});

test('indexes that lead to themselves are not what they say', async () => {
  const { path } = await standing();
  const digest: OciDigest = `sha256:${'a'.repeat(64)}`;
  const { bytes } = produceIndex({ manifests: [{ mediaType: mediaTypes.index, digest, size: 233 }] });
  const named = { mediaType: mediaTypes.index, digest, size: bytes.length };
  writeFileSync(join(path, blobPath(digest)), produceIndex({ manifests: [named] }).bytes);
  writeFileSync(
    join(path, 'index.json'),
    produceIndex({ manifests: [{ ...named, annotations: { 'org.opencontainers.image.ref.name': 'v1' } }] }).bytes,
  );
  await expect(check(folderSource(path), 'v1')).rejects.toMatchObject({ code: 'PK4003' });
});

test('one name for two manifests is nobody’s name', async () => {
  const { path, root } = await standing();
  const annotations = { 'org.opencontainers.image.ref.name': 'v1' };
  const other = artifact('other').descriptor;
  writeFileSync(
    join(path, 'index.json'),
    produceIndex({ manifests: [root, other].map((one) => ({ ...one, annotations })) }).bytes,
  );
  await expect(folderSource(path).resolve('v1', signal)).rejects.toMatchObject({ code: 'PK4002' });
});

test('a document of which something is missing, or that is another one, is made whole', async () => {
  const from = memoryLayout();
  const main = await putArtifact(from, 'content');
  const index = await put(from, produceIndex({ manifests: [main] }));
  await from.tag(index, 'v1', signal);
  const { digest } = blob('content').descriptor;
  const damages: readonly ((path: (digest: OciDigest) => string) => void)[] = [
    (path) => rmSync(path(digest)),
    (path) => rmSync(path(main.digest)),
    (path) => truncateSync(path(digest), 3),
    (path) => writeFileSync(path(main.digest), Buffer.alloc(main.size, 'x')),
    (path) => writeFileSync(path(index.digest), Buffer.alloc(index.size, 'x')),
  ];
  for (const damage of damages) {
    const directory = folder();
    const to = { target: folderTarget(directory), name: 'v1' };
    await copy({ source: from, name: 'v1' }, to, { signal });
    damage((one) => join(directory, blobPath(one)));
    await copy({ source: from, name: 'v1' }, to, { signal });
    await check(folderSource(directory), 'v1');
    await check(folderSource(directory), main.digest);
  }
});

test('a lock that somebody filled is not opened', async () => {
  const directory = folder();
  const lock = join(directory, '.portkit-lock');
  const [database, journal] = [new DatabaseSync(lock), `${lock}-journal`];
  database.exec('CREATE TABLE t (x)');
  database.close();
  writeFileSync(journal, 'rolled back');
  await expect(putArtifact(folderTarget(directory), 'a')).rejects.toMatchObject({ code: 'PK4002' });
  expect(readFileSync(journal, 'utf8')).toBe('rolled back');
  const usual = folder();
  await putArtifact(folderTarget(usual), 'a');
  await putArtifact(folderTarget(usual), 'b');
  expect(readFileSync(join(usual, '.portkit-lock'))).toHaveLength(0);
});

test('links are not written through', async () => {
  const path = folder();
  symlinkSync(scratch, join(path, 'blobs'));
  await expect(put(folderTarget(path), blob('text'))).rejects.toMatchObject({ code: 'PK4002' });
  const locked = folder();
  symlinkSync(join(scratch, 'elsewhere'), join(locked, '.portkit-lock'));
  await expect(putArtifact(folderTarget(locked), 'text')).rejects.toMatchObject({ code: 'PK4002' });
  expect(readdirSync(scratch)).not.toContain('elsewhere');
});

test('an archive of a layout is one sequence of bytes, and is read in place', async () => {
  const { path, root } = await standing();
  const source = folderSource(path);
  const big = blob('x'.repeat(3_000_000));
  const target = folderTarget(path);
  await put(target, big);
  const second = await put(
    target,
    produceManifest({ artifactType: 'text/y', layers: [big.descriptor, blob('text').descriptor] }),
  );
  await target.tag(second, 'v2', signal);
  const roots = await source.roots(signal);
  const write = async (all: readonly Descriptor[]) =>
    Buffer.concat(await Array.fromAsync(writeArchive({ source, roots: all }, signal)));
  const bytes = await write(roots);
  expect((await write(roots.toReversed())).equals(bytes)).toBe(true);
  const file = join(scratch, 'archive.tar');
  writeFileSync(file, bytes);
  await using archive = await openArchive(file, signal);
  expect(await check(archive, 'v1')).toMatchObject({ digest: root.digest });
  expect(await check(archive, 'v2')).toMatchObject({ digest: second.digest });
  expect(await archive.exists(blob('none').descriptor, signal)).toBe(false);
  const names = execFileSync('tar', ['tf', file], { encoding: 'utf8' }).split('\n');
  expect(names.filter((name) => !name.startsWith('blobs/sha256/'))).toEqual(['blobs/', 'index.json', 'oci-layout', '']);
});

test('a tar that GNU tar made is read, and one that is cut off or holds links is not', async () => {
  const { path } = await standing();
  const file = join(scratch, 'other.tar');
  execFileSync('tar', ['cf', file, '-C', path, '.']);
  await using archive = await openArchive(file, signal);
  await check(archive, 'v1');
  const linked = join(scratch, 'linked.tar');
  rmSync(join(path, textPath));
  symlinkSync('/etc/passwd', join(path, textPath));
  execFileSync('tar', ['cf', linked, '-C', path, '.']);
  await using hostile = await openArchive(linked, signal);
  await expect(check(hostile, 'v1')).rejects.toMatchObject({ code: 'PK4002' });
  truncateSync(file, 4096);
  await expect(openArchive(file, signal)).rejects.toMatchObject({ code: 'PK3301' });
  writeFileSync(file, Buffer.alloc(10_240));
  await expect(openArchive(file, signal)).rejects.toMatchObject({ code: 'PK4002' });
  await expect(openArchive(scratch, signal)).rejects.toMatchObject({ code: 'PK4002' });
  await expect(openArchive(join(scratch, 'none'), signal)).rejects.toMatchObject({ code: 'PK3912' });
});

test('a tree of the store is a layout, of the blobs that are there', async () => {
  const store = createMemoryStore();
  const plain = { mode: 0o755, uid: 0, gid: 0, mtime: { seconds: 0, nanos: 0 }, xattrs: [] };
  const root = artifact('text');
  const index = produceIndex({ manifests: [{ ...root.descriptor, annotations: { 'org.opencontainers.image.ref.name': 'v1' } }] });
  const tree = async (files: Readonly<Record<string, Uint8Array>>) => {
    const editor = newTree(plain, { blobs: store, signal });
    for (const [path, bytes] of Object.entries(files)) {
      const { digest, size } = await store.write(bytesSource(bytes).open(signal), signal);
      await putEntry(editor, byteString(path), { entry: { ...plain, type: 'file', content: digest, size }, parents: plain });
    }
    return writeTree(editor);
  };
  const mark = { 'oci-layout': Buffer.from('{"imageLayoutVersion":"1.0.0"}'), 'index.json': index.bytes };
  const blobs = [root, emptyBlob, blob('text')].map(({ bytes, descriptor }): [string, Uint8Array] => [
    blobPath(descriptor.digest),
    bytes,
  ]);
  const source = treeSource(await tree({ ...mark, ...Object.fromEntries(blobs) }), store);
  expect(await check(source, 'v1')).toMatchObject({ digest: root.descriptor.digest });
  expect(await source.exists(blob('none').descriptor, signal)).toBe(false);
  const hollow = treeSource(await tree({ ...mark, blobs: Buffer.from('x') }), store);
  await expect(check(hollow, 'v1')).rejects.toMatchObject({ code: 'PK4002' });
  await expect(check(treeSource(await tree({ a: Buffer.from('x') }), store), 'v1')).rejects.toMatchObject({ code: 'PK4002' });
});
