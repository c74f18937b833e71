import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, expect, test } from 'vitest';
import { PortkitError } from '../../base/errors.ts';
import { openArchive } from '../layout/archive.ts';
import { folderTarget } from '../layout/folder.ts';
import { memoryLayout } from '../layout/memory.ts';
import type { LayoutTarget } from '../layout/target.ts';
import { writeArchive } from '../layout/write-archive.ts';
import type { Descriptor } from '../model/descriptor.ts';
import { kindOf, mediaTypes } from '../model/media-types.ts';
import type { Target } from '../model/ports.ts';
import { describe, produceIndex, produceManifest } from '../model/produce.ts';
import type { Produced } from '../model/produce.ts';
import { bytesSource, readDocument, readManifest } from '../model/read.ts';
import { successors } from '../model/successors.ts';
import { copy } from './copy.ts';
import type { CopyEvent } from './events.ts';

const { signal } = new AbortController();
const scratch = mkdtempSync(join(tmpdir(), 'portkit-copy-'));
afterAll(() => rmSync(scratch, { recursive: true }));

async function put(target: Target, { bytes, descriptor }: Produced): Promise<Descriptor> {
  await target.push(descriptor, bytesSource(bytes), signal);
  return descriptor;
}

function blobOf(text: string): Produced {
  const bytes = Buffer.from(text);
  return { bytes, descriptor: describe(bytes, 'application/octet-stream') };
}

/** An artifact with these blobs. */
async function artifact(target: Target, blobs: readonly string[], subject?: Descriptor): Promise<Descriptor> {
  const layers: Descriptor[] = [];
  for (const text of blobs) layers.push(await put(target, blobOf(text)));
  const empty = { bytes: Buffer.from('{}'), descriptor: describe(Buffer.from('{}'), 'application/vnd.oci.empty.v1+json') };
  await put(target, empty);
  return put(target, produceManifest({ artifactType: 'text/x', layers, ...(subject === undefined ? {} : { subject }) }));
}

/** Every document and blob that a descriptor leads to, with its bytes. */
async function closure(reader: Target, root: Descriptor): Promise<Map<string, string>> {
  const found = new Map<string, string>([[root.digest, Buffer.from(await readDocument(reader, root, signal)).toString()]]);
  if (kindOf(root.mediaType) === 'blob') return found;
  for (const child of successors(await readManifest(reader, root, signal))) {
    for (const [digest, bytes] of await closure(reader, child)) found.set(digest, bytes);
  }
  return found;
}

interface Shape {
  readonly blobs: readonly string[];
  readonly inner: readonly Shape[];
}

const shape = fc.letrec<{ shape: Shape }>((tie) => ({
  shape: fc.record({
    blobs: fc.array(fc.constantFrom('', 'a', 'b', 'c', 'x'.repeat(1000)), { maxLength: 4 }),
    inner: fc.oneof({ maxDepth: 3 }, fc.constant([]), fc.array(tie('shape'), { maxLength: 3 })),
  }),
})).shape;

async function build(target: LayoutTarget, { blobs, inner }: Shape): Promise<Descriptor> {
  if (inner.length === 0) return artifact(target, blobs);
  const manifests: Descriptor[] = [];
  for (const one of inner) manifests.push(await build(target, one));
  return put(target, produceIndex({ manifests: [...manifests, await artifact(target, blobs)] }));
}

test('any graph arrives with the bytes that it had', async () => {
  await fc.assert(
    fc.asyncProperty(shape, async (one) => {
      const from = memoryLayout();
      await from.tag(await build(from, one), 'v1', signal);
      const folder = folderTarget(mkdtempSync(join(scratch, 'any-')));
      const root = await copy({ source: from, name: 'v1' }, { target: folder, name: 'v2' }, { signal });
      const file = join(scratch, 'any.tar');
      writeFileSync(
        file,
        Buffer.concat(await Array.fromAsync(writeArchive({ source: folder, roots: await folder.roots(signal) }, signal))),
      );
      await using archive = await openArchive(file, signal);
      const back = memoryLayout();
      await copy({ source: archive, name: 'v2' }, { target: back, name: 'v1' }, { signal, concurrency: 1 });
      expect(await closure(back, root)).toEqual(await closure(from, root));
      expect(await back.resolve('v1', signal)).toMatchObject({ digest: root.digest, size: root.size });
    }),
    { numRuns: 4 },
  );
});

test('every blob is moved once, and nothing that is there', async () => {
  const from = memoryLayout();
  const one = await artifact(from, ['a', 'b', 'a']);
  const two = await artifact(from, ['b', 'c']);
  await from.tag(await put(from, produceIndex({ manifests: [one, two, one] })), 'v1', signal);
  const target = memoryLayout();
  await put(target, blobOf('c'));
  const events: CopyEvent[] = [];
  await copy({ source: from, name: 'v1' }, { target, name: 'v1' }, { signal, onEvent: (event) => events.push(event) });
  const states = (state: CopyEvent['state']) => events.filter((event) => event.state === state);
  // Of a, b, the empty config, two manifests and the index; c was there.
  expect(states('begun')).toHaveLength(6);
  expect(states('stored')).toHaveLength(6);
  expect(states('existed').map(({ descriptor }) => descriptor.digest)).toEqual([blobOf('c').descriptor.digest]);
  events.length = 0;
  await copy({ source: from, name: 'v1' }, { target, name: 'v1' }, { signal, onEvent: (event) => events.push(event) });
  expect(events.map(({ state }) => state)).toEqual(['existed']);
});

test('a failure at either side is told, and nothing is there without its children', async () => {
  const from = memoryLayout();
  const root = await put(from, produceIndex({ manifests: [await artifact(from, ['a', 'b']), await artifact(from, ['c'])] }));
  const all = [...(await closure(from, root)).keys()];
  for (const broken of all) {
    for (const side of ['source', 'target'] as const) {
      const inner = memoryLayout();
      const fail = () => Promise.reject(new PortkitError('PK4001', 'broken'));
      const source: Target =
        side === 'target' ? from : { ...from, fetch: (one) => (one.digest === broken ? fail() : from.fetch(one, signal)) };
      const target: Target =
        side === 'source'
          ? inner
          : { ...inner, push: (one, ...rest) => (one.digest === broken ? fail() : inner.push(one, ...rest)) };
      await expect(copy({ source, name: root.digest }, { target, name: 'v1' }, { signal })).rejects.toMatchObject({
        code: 'PK4001',
        message: `At the ${side}, memory: broken`,
      });
      expect(await inner.resolve('v1', signal)).toBeUndefined();
      for (const entry of await inner.roots(signal)) await closure(inner, entry);
    }
  }
});

test('a cancelled copy ends with the reason, and nothing goes on behind it', async () => {
  const from = memoryLayout();
  const root = await artifact(from, ['a', 'b', 'c', 'd']);
  const inner = memoryLayout();
  const controller = new AbortController();
  let pushes = 0;
  const target: Target = {
    ...inner,
    push(...all) {
      pushes += 1;
      if (pushes === 2) controller.abort(new PortkitError('PK9001', 'Cancelled'));
      return inner.push(...all);
    },
  };
  const work = copy({ source: from, name: root.digest }, { target, name: 'v1' }, { signal: controller.signal, concurrency: 1 });
  await expect(work).rejects.toMatchObject({ code: 'PK9001', message: 'Cancelled' });
  const then = pushes;
  await new Promise((resolve) => setImmediate(resolve));
  expect(pushes).toBe(then);
  expect(await inner.roots(signal)).toEqual([]);
});

test('what refers to a manifest comes along, and what refers to that', async () => {
  const from = memoryLayout();
  const root = await artifact(from, ['a']);
  const signature = await artifact(from, ['signature'], root);
  const witness = await artifact(from, ['witness'], signature);
  await from.tag(root, 'v1', signal);
  const target = memoryLayout();
  await copy({ source: from, name: 'v1' }, { target, name: 'v1' }, { signal, referrers: true });
  const found = async (subject: Descriptor) =>
    (await Array.fromAsync(target.referring?.referrers(subject, signal) ?? [])).map((one) => one.digest);
  expect(await found(root)).toEqual([signature.digest]);
  expect(await found(signature)).toEqual([witness.digest]);
  const without = memoryLayout();
  await copy({ source: from, name: 'v1' }, { target: without, name: 'v1' }, { signal });
  expect(await without.exists(signature, signal)).toBe(false);
});

test('referrers of the manifests in an index come along; answers in circles end, endless ones are refused', async () => {
  const from = memoryLayout();
  const inner = await artifact(from, ['inner']);
  const index = await put(from, produceIndex({ manifests: [inner] }));
  const signature = await artifact(from, ['signature'], inner);
  const target = memoryLayout();
  await copy({ source: from, name: index.digest }, { target }, { signal, referrers: true });
  expect(await target.exists(signature, signal)).toBe(true);

  async function* circle(): AsyncGenerator<Descriptor> {
    yield* [inner, index, signature];
  }
  await copy(
    { source: { ...from, referring: { referrers: circle } }, name: index.digest },
    { target },
    { signal, referrers: true },
  );

  async function* endless(): AsyncGenerator<Descriptor> {
    for (let at = 0; ; at++) yield { ...blobOf(`${at}`).descriptor, mediaType: mediaTypes.manifest };
  }
  const work = copy(
    { source: { ...from, referring: { referrers: endless } }, name: inner.digest },
    { target },
    { signal, referrers: true },
  );
  await expect(work).rejects.toMatchObject({ code: 'PK4006' });
  const { referring: _, ...silent } = from;
  await expect(copy({ source: silent, name: inner.digest }, { target }, { signal, referrers: true })).rejects.toMatchObject({
    code: 'PK4001',
  });
});

test('of an index, the manifest for a platform is copied as it is', async () => {
  const from = memoryLayout();
  const amd = await artifact(from, ['amd']);
  const arm = await artifact(from, ['arm']);
  const platforms = [
    { ...amd, platform: { os: 'linux', architecture: 'amd64' } },
    { ...arm, platform: { os: 'linux', architecture: 'arm64' } },
  ];
  await from.tag(await put(from, produceIndex({ manifests: platforms })), 'v1', signal);
  const target = memoryLayout();
  const platform = { os: 'linux', architecture: 'arm64', variant: 'v8' };
  expect(await copy({ source: from, name: 'v1' }, { target, name: 'v1' }, { signal, platform })).toMatchObject({
    digest: arm.digest,
  });
  expect(await target.exists(amd, signal)).toBe(false);
  const other = { os: 'linux', architecture: 'riscv64' };
  await expect(copy({ source: from, name: 'v1' }, { target }, { signal, platform: other })).rejects.toMatchObject({
    code: 'PK4001',
  });
});

test('what a neighbour has is mounted', async () => {
  const from = memoryLayout();
  const root = await artifact(from, ['a', 'b']);
  const inner = memoryLayout();
  const target: Target = {
    ...inner,
    mounting: {
      async mount(descriptor, repository) {
        if (repository !== 'org/base' || descriptor.digest !== blobOf('a').descriptor.digest) return false;
        await put(inner, blobOf('a'));
        return true;
      },
    },
  };
  const events: CopyEvent[] = [];
  await copy(
    { source: from, name: root.digest },
    { target },
    { signal, mountFrom: 'org/base', onEvent: (event) => events.push(event) },
  );
  const mounted = events.filter(({ state }) => state === 'mounted').map(({ descriptor }) => descriptor.digest);
  expect(mounted).toEqual([blobOf('a').descriptor.digest]);
  expect(events.filter(({ state }) => state === 'stored')).toHaveLength(3);
});

test('a digest as the name at the target must be what is copied', async () => {
  const from = memoryLayout();
  const root = await artifact(from, ['a']);
  const other = await artifact(from, ['b']);
  const work = copy({ source: from, name: root.digest }, { target: memoryLayout(), name: other.digest }, { signal });
  await expect(work).rejects.toMatchObject({ code: 'PK4003' });
  await expect(copy({ source: from, name: 'none' }, { target: memoryLayout() }, { signal })).rejects.toMatchObject({
    code: 'PK4001',
  });
});

test('no more than so many are on their way at once, and all of those', async () => {
  const from = memoryLayout();
  const root = await artifact(
    from,
    Array.from({ length: 20 }, (_, at) => `blob ${at}`),
  );
  const inner = memoryLayout();
  let now = 0;
  let most = 0;
  const target: Target = {
    ...inner,
    async push(...all) {
      now += 1;
      most = Math.max(most, now);
      await new Promise((resolve) => setImmediate(resolve));
      now -= 1;
      return inner.push(...all);
    },
  };
  await copy({ source: from, name: root.digest }, { target }, { signal, concurrency: 3 });
  expect(most).toBe(3);
});

test('a target that begins anew gets the rest from where it asks, and progress follows', async () => {
  const from = memoryLayout();
  const text = 'x'.repeat(10);
  const root = await artifact(from, [text]);
  const inner = memoryLayout();
  const got: string[] = [];
  const target: Target = {
    ...inner,
    async push(descriptor, source, its) {
      if (descriptor.digest === blobOf(text).descriptor.digest) {
        for (const offset of [0, 4, 10]) got.push(Buffer.concat(await Array.fromAsync(source.open(its, offset))).toString());
      }
      return inner.push(descriptor, source, its);
    },
  };
  const progress: number[] = [];
  await copy(
    { source: from, name: root.digest },
    { target },
    {
      signal,
      onEvent: ({ state, bytes, descriptor }) => state === 'progress' && descriptor.size === 10 && progress.push(bytes),
    },
  );
  expect(got).toEqual([text, 'x'.repeat(6), '']);
  expect(progress).toEqual([10, 10, 10]);
});

test('a source whose content is wrong is to blame, whatever the target makes of it', async () => {
  const from = memoryLayout();
  const root = await artifact(from, ['a']);
  const bad = blobOf('a').descriptor.digest;
  const source: Target = {
    ...from,
    async fetch(descriptor, its) {
      if (descriptor.digest !== bad) return from.fetch(descriptor, its);
      throw new PortkitError('PK4003', 'wrong', { hint: 'ask again' });
    },
  };
  const inner = memoryLayout();
  const target: Target = {
    ...inner,
    push: (...all) =>
      inner.push(...all).catch((cause: unknown) => Promise.reject(new PortkitError('PK4002', 'the body broke', { cause }))),
  };
  await expect(copy({ source, name: root.digest }, { target }, { signal })).rejects.toMatchObject({
    code: 'PK4003',
    message: 'At the source, memory: wrong',
    hint: 'ask again',
  });
});

test('a name that moves while it is copied does not change what is copied', async () => {
  const from = memoryLayout();
  const first = await artifact(from, ['first']);
  const second = await artifact(from, ['second']);
  await from.tag(first, 'v1', signal);
  const source: Target = {
    ...from,
    async resolve(name, its) {
      const found = await from.resolve(name, its);
      await from.tag(second, 'v1', its);
      return found;
    },
  };
  const target = memoryLayout();
  expect(await copy({ source, name: 'v1' }, { target, name: 'v1' }, { signal })).toMatchObject({ digest: first.digest });
  expect(await target.resolve('v1', signal)).toMatchObject({ digest: first.digest });
});

test('documents that lead ever deeper are refused', async () => {
  const from = memoryLayout();
  let at = await artifact(from, ['a']);
  for (let depth = 0; depth < 10; depth++) at = await put(from, produceIndex({ manifests: [at] }));
  await expect(copy({ source: from, name: at.digest }, { target: memoryLayout() }, { signal })).rejects.toMatchObject({
    code: 'PK4006',
  });
});
