import { buffer } from 'node:stream/consumers';
import { describe, expect, test } from 'vitest';
import { produceManifest } from '../../src/oci/model/produce.ts';
import { bytesSource } from '../../src/oci/model/read.ts';
import { createAgents } from '../../src/http/agents.ts';
import { hopFrom } from '../../src/oci/registry/hops.ts';
import { blobOf, failureOf, piecesOf, repositoryAt } from './asking.ts';
import { say, startServer } from './server.ts';
import { emptyShelves, smallRegistry } from './small-registry.ts';

const { signal } = new AbortController();
const blob = Buffer.alloc(100_000, 'x');
const descriptor = blobOf(blob);
const manifest = produceManifest({ artifactType: 'application/vnd.example', layers: [] });

test('oras-go#1177: a registry that says another length of a manifest to HEAD has it all the same', async () => {
  const shelves = emptyShelves();
  const type = manifest.descriptor.mediaType;
  shelves.manifests.set(manifest.descriptor.digest, { type, bytes: Buffer.from(manifest.bytes) });
  await using server = await startServer(
    smallRegistry(shelves, (request, response) => {
      if (request.method !== 'HEAD') return false;
      say(response, 200, { 'content-type': type, 'content-length': '7' });
      return true;
    }),
  );
  using repository = repositoryAt(server.host);
  const { artifactType: _, ...pushed } = manifest.descriptor;
  expect(await repository.push(pushed, bytesSource(manifest.bytes), signal)).toBe('existed');
  expect(server.seen.map(({ method }) => method)).toEqual(['HEAD']);
});

test('oras#923: blobs that are at another host, be they asked for with HEAD or GET', async () => {
  await using elsewhere = await startServer((_request, response) =>
    say(response, 200, { 'content-length': String(blob.length) }, blob.toString()),
  );
  await using server = await startServer((_request, response) => say(response, 307, { location: `${elsewhere.origin}/cdn` }));
  using repository = repositoryAt(server.host);
  expect(await repository.exists(descriptor, signal)).toBe(true);
  expect((await buffer(await repository.fetch(descriptor, signal))).equals(blob)).toBe(true);
  expect(elsewhere.seen.map(({ method, headers }) => [method, headers.authorization])).toEqual([
    ['HEAD', undefined],
    ['GET', undefined],
  ]);
});

test.each([
  ['https://r.example:443/v2/r/blobs/uploads/1', 'https://r.example/v2/r/blobs/uploads/1'],
  ['/v2/r/blobs/uploads/1?_state=a%2Bb%3D', 'https://r.example/v2/r/blobs/uploads/1?_state=a%2Bb%3D'],
  ['1', 'https://r.example/v2/r/blobs/uploads/1'],
  ['//r.example/1#here', 'https://r.example/1'],
])('oras-go#177: the place of an upload is written as %s', (location, expected) => {
  using agents = createAgents({});
  const { url, within } = hopFrom({ url: new URL('https://r.example:443/v2/r/blobs/uploads/') }, location, agents);
  expect([url.href, within]).toEqual([expected, undefined]);
});

test('ggcr#1091: no number of tags is asked for, since there is none that all registries take', async () => {
  await using server = await startServer((_request, response) => say(response, 200, {}, '{"name":"r","tags":["b","a"]}'));
  using repository = repositoryAt(server.host);
  expect(await Array.fromAsync(repository.tags(signal))).toEqual(['b', 'a']);
  expect(server.seen.map(({ path }) => path)).toEqual(['/v2/r/tags/list']);
});

test('a mount that the registry breaks over is an upload', async () => {
  await using server = await startServer((_request, response) => say(response, 500));
  using repository = repositoryAt(server.host);
  expect(await repository.mounting.mount(descriptor, 'other', signal)).toBe(false);
});

test.each([
  [400, 'DIGEST_INVALID'],
  [405, 'UNSUPPORTED'],
])('a registry that deletes no tags (%i %s) says so, and nothing else is deleted', async (status, word) => {
  await using server = await startServer((_request, response) =>
    say(response, status, {}, JSON.stringify({ errors: [{ code: word }] })),
  );
  using repository = repositoryAt(server.host);
  const { code, text } = await failureOf(repository.deleting.delete('v1', signal));
  expect(code).toBe('PK4036');
  expect(text).toContain('@DIGEST');
  expect(server.seen.map(({ method, path }) => `${method} ${path}`)).toEqual(['DELETE /v2/r/manifests/v1']);
});

describe('OCI-Chunk-Min-Length', () => {
  const mebibyte = 1 << 20;
  const large = Buffer.alloc(21 * mebibyte, 'y');
  /** The ranges in which a large blob comes to a registry that takes no whole ones, and parts of at most so many bytes. */
  async function rangesWith(least: string, most = Number.POSITIVE_INFINITY) {
    const parts: Buffer[] = [];
    const ranges: unknown[] = [];
    await using server = await startServer(async (request, response) => {
      const bytes = await buffer(request);
      if (request.method === 'POST') return say(response, 202, { location: '/upload', 'oci-chunk-min-length': least });
      if (request.method === 'HEAD') return say(response, 404);
      if (request.method === 'DELETE') return say(response, 204);
      if (bytes.length > most || (request.method === 'PUT' && bytes.length > 0)) return say(response, 413);
      if (request.method === 'PUT') return say(response, 201);
      parts.push(bytes);
      ranges.push(request.headers['content-range']);
      return say(response, 202, { location: '/upload', range: `0-${Buffer.concat(parts).length - 1}` });
    });
    using repository = repositoryAt(server.host);
    const failed = await repository.push(blobOf(large), piecesOf(large), signal).then(
      () => undefined,
      async (error: unknown) => (await failureOf(Promise.reject(error))).code,
    );
    return { ranges, failed, isWhole: Buffer.concat(parts).equals(large) };
  }

  test.each([
    [String(20 * mebibyte), ['0-20971519', '20971520-22020095']],
    [String(64 * mebibyte), ['0-22020095']],
    ['1', ['0-16777215', '16777216-22020095']],
    ['-5', ['0-16777215', '16777216-22020095']],
    ['many', ['0-16777215', '16777216-22020095']],
    ['1e400', ['0-16777215', '16777216-22020095']],
  ])('of %s', async (least, expected) => {
    const { ranges, isWhole } = await rangesWith(least);
    expect(ranges).toEqual(expected);
    expect(isWhole).toBe(true);
  });
  test('is not gone below, when parts of that size are too large', async () => {
    expect(await rangesWith(String(8 * mebibyte), 6 * mebibyte)).toMatchObject({ ranges: [], failed: 'PK4036' });
  });
});
