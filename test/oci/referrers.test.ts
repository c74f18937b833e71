import { describe, expect, test } from 'vitest';
import type { Descriptor } from '../../src/oci/model/descriptor.ts';
import { mediaTypes } from '../../src/oci/model/media-types.ts';
import { bytesSource } from '../../src/oci/model/read.ts';
import { produceIndex, produceManifest } from '../../src/oci/model/produce.ts';
import type { Produced } from '../../src/oci/model/produce.ts';
import { blobOf, failureOf, repositoryAt } from './asking.ts';
import { say, startServer } from './server.ts';
import type { Handler } from './server.ts';
import { emptyShelves, smallRegistry } from './small-registry.ts';
import type { Shelves } from './small-registry.ts';

const signal = new AbortController().signal;
const subject = produceManifest({ artifactType: 'application/vnd.example.subject', layers: [] }).descriptor;
const tag = subject.digest.replace(':', '-');
const annotations = { note: 'one' };
const one = produceManifest({ artifactType: 'application/vnd.example.one', layers: [], subject, annotations });
const two = produceManifest({ artifactType: 'application/vnd.example.two', layers: [], subject });
const listed = (...all: readonly Produced[]) =>
  Buffer.from(produceIndex({ manifests: all.map(({ descriptor }) => descriptor) }).bytes);
const isIndex = { 'content-type': mediaTypes.index };

type First = (...at: Parameters<Handler>) => boolean | Promise<boolean>;

async function withRegistry<T>(
  first: First,
  work: (
    repository: ReturnType<typeof repositoryAt>,
    shelves: Shelves,
    seen: readonly { method: string; path: string }[],
  ) => Promise<T>,
): Promise<T> {
  const shelves = emptyShelves();
  await using server = await startServer(smallRegistry(shelves, first));
  using repository = repositoryAt(server.host);
  return await work(repository, shelves, server.seen);
}

const all = (repository: ReturnType<typeof repositoryAt>, type?: string) =>
  Array.fromAsync(repository.referring.referrers(subject, signal, type)).then((found) => found.map(({ digest }) => digest));
const push = (repository: ReturnType<typeof repositoryAt>, { descriptor, bytes }: Produced) =>
  repository.push(descriptor, bytesSource(bytes), signal);

/** A registry that answers for referrers with these pages. */
function api(...pages: readonly Buffer[]): First {
  return (request, response) => {
    if (request.url?.includes('/referrers/') !== true) return false;
    const page = Number(/page=(\d)/.exec(request.url)?.[1] ?? 0);
    const link = page + 1 < pages.length ? { link: `<?page=${page + 1}>; rel="next"` } : undefined;
    say(response, 200, { ...isIndex, ...link }, pages[page]);
    return true;
  };
}

describe('a registry that lists referrers', () => {
  test('page by page, each once, and of one type when that is asked for', async () => {
    await withRegistry(api(listed(one), listed(one, two)), async (repository, _shelves, seen) => {
      expect(await all(repository)).toEqual([one.descriptor.digest, two.descriptor.digest]);
      expect(await all(repository, 'application/vnd.example.two')).toEqual([two.descriptor.digest]);
      expect(seen.every(({ path }) => !path.includes(tag))).toBe(true);
    });
  });
  test('and says so when something is pushed: no tag is written', async () => {
    const first: First = (request, response) => {
      if (request.method === 'PUT') response.setHeader('oci-subject', subject.digest);
      return api(listed(one))(request, response);
    };
    await withRegistry(first, async (repository, shelves) => {
      await push(repository, one);
      expect([...shelves.manifests.keys()]).toEqual([one.descriptor.digest]);
    });
  });
});

describe('a registry that does not', () => {
  test.each<[string, First]>([
    ['404 in text', () => false],
    ['405', (request, response) => answer(request.url, () => say(response, 405))],
    [
      'a page for people',
      (request, response) => answer(request.url, () => say(response, 200, { 'content-type': 'text/html' }, '<p>')),
    ],
    ['an empty object', (request, response) => answer(request.url, () => say(response, 200, isIndex, '{}'))],
  ])('and says so with %s: the tag is written and read, with all that a manifest says', async (_name, first) => {
    await withRegistry(first, async (repository, shelves) => {
      await push(repository, one);
      await push(repository, two);
      expect(new Set(await all(repository))).toEqual(new Set([one.descriptor.digest, two.descriptor.digest]));
      const index = JSON.parse(shelves.manifests.get(tag)?.bytes.toString() ?? '') as { manifests: Descriptor[] };
      const entry = index.manifests.find(({ digest }) => digest === one.descriptor.digest);
      expect(entry).toEqual({ ...one.descriptor, artifactType: 'application/vnd.example.one', annotations });
    });
  });
  test('but says the subject all the same', async () => {
    const first: First = (request, response) => {
      if (request.method === 'PUT') response.setHeader('oci-subject', subject.digest);
      return false;
    };
    await withRegistry(first, async (repository, shelves) => {
      await push(repository, one);
      expect(shelves.manifests.has(tag)).toBe(true);
    });
  });
  test('a writer that was ended before it wrote the tag: the next one does', async () => {
    await withRegistry(
      () => false,
      async (repository, shelves) => {
        await push(repository, one);
        shelves.manifests.delete(tag);
        expect(await repository.exists(one.descriptor, signal)).toBe(false);
        expect(await push(repository, one)).toBe('stored');
        expect(await all(repository)).toEqual([one.descriptor.digest]);
        expect(await push(repository, one)).toBe('existed');
      },
    );
  });
  test('somebody else writes the tag at the same time: it is looked at again', async () => {
    let stolen = 0;
    let most = 3;
    const first: First = async (request) => {
      // The entry of a moment ago is gone when it is read again, twice.
      if (request.method === 'GET' && request.url?.endsWith(tag) === true && stolen < most) {
        stolen += 1;
        if (stolen > 1) lost();
      }
      return false;
    };
    let lost = () => {};
    await withRegistry(first, async (repository, shelves) => {
      lost = () => void shelves.manifests.set(tag, { type: mediaTypes.index, bytes: listed(two) });
      await push(repository, one);
      expect(stolen).toBe(3);
      expect(new Set(await all(repository))).toEqual(new Set([one.descriptor.digest, two.descriptor.digest]));
      lost = () => void shelves.manifests.delete(tag);
      most = 100;
      const third = produceManifest({ artifactType: 'application/vnd.example.three', layers: [], subject });
      expect((await failureOf(push(repository, third))).code).toBe('PK4036');
    });
  });
  test('a tag that is no index is not overwritten', async () => {
    await withRegistry(
      () => false,
      async (repository, shelves) => {
        shelves.manifests.set(tag, { type: mediaTypes.manifest, bytes: Buffer.from(two.bytes) });
        expect((await failureOf(push(repository, one))).code).toBe('PK4002');
        expect((await failureOf(all(repository))).code).toBe('PK4002');
        expect(shelves.manifests.get(tag)?.bytes).toEqual(Buffer.from(two.bytes));
      },
    );
  });
  test('one that is busy is not one that cannot', async () => {
    const first: First = (request, response) => answer(request.url, () => say(response, 503));
    await withRegistry(first, async (repository) => {
      expect((await failureOf(all(repository))).code).toBe('PK4033');
    });
  });
});

function answer(url: string | undefined, work: () => void): boolean {
  if (url?.includes('/referrers/') !== true) return false;
  work();
  return true;
}

describe('mounts', () => {
  const descriptor = blobOf(Buffer.from('x'));
  test.each([
    [201, true],
    [202, false],
    [400, false],
    [401, false],
    [403, false],
    [404, false],
    [405, false],
  ])('oras#1924: answered with %i', async (status, there) => {
    await using server = await startServer((_request, response) => say(response, status, { location: '/v2/r/blobs/uploads/1' }));
    using repository = repositoryAt(server.host);
    expect(await repository.mounting.mount(descriptor, 'other/one', signal)).toBe(there);
    expect(server.seen.map(({ method, path }) => `${method} ${path}`)).toEqual([
      `POST /v2/r/blobs/uploads/?mount=${encodeURIComponent(descriptor.digest)}&from=other%2Fone`,
      ...(status === 202 ? ['DELETE /v2/r/blobs/uploads/1'] : []),
    ]);
  });
  test.each(['../x', 'A', 'a?b', '', 'a//b'])('from %j are refused here', async (from) => {
    await using server = await startServer((_request, response) => say(response, 201));
    using repository = repositoryAt(server.host);
    expect((await failureOf(repository.mounting.mount(descriptor, from, signal))).code).toBe('PK4005');
    expect(server.seen).toEqual([]);
  });
});

test('what is deleted and what was not there', async () => {
  await withRegistry(
    (request, response) => {
      if (request.method !== 'DELETE') return false;
      say(response, request.url?.endsWith('/none') === true ? 404 : request.url?.endsWith('/no') === true ? 405 : 202);
      return true;
    },
    async (repository) => {
      expect(await repository.deleting.delete('v1', signal)).toBe(true);
      expect(await repository.deleting.delete('none', signal)).toBe(false);
      expect(await repository.deleting.delete(subject.digest, signal)).toBe(true);
      expect((await failureOf(repository.deleting.delete('no', signal))).code).toBe('PK4036');
    },
  );
});
