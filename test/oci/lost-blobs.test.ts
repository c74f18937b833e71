import { buffer } from 'node:stream/consumers';
import { expect, test } from 'vitest';
import { copy } from '../../src/oci/copy/copy.ts';
import { memoryLayout } from '../../src/oci/layout/memory.ts';
import { emptyBlob, produceIndex, produceManifest } from '../../src/oci/model/produce.ts';
import { bytesSource } from '../../src/oci/model/read.ts';
import { createRegistryClient } from '../../src/oci/registry/client.ts';
import { patientWorld } from './asking.ts';
import { say, startServer } from './server.ts';

const { signal } = new AbortController();

/** An index of one artifact, whose only blob is the empty one. */
async function artifact() {
  const source = memoryLayout('source');
  const made = produceManifest({ artifactType: 'application/vnd.demo', layers: [] });
  const index = produceIndex({ manifests: [made.descriptor] });
  for (const { descriptor, bytes } of [emptyBlob, made, index]) await source.push(descriptor, bytesSource(bytes), signal);
  await source.tag(index.descriptor, 'v1', signal);
  return { source, made, index };
}

/** A registry that says it has every blob, and takes manifests only when it really was sent them (`forgetful`: never). */
function registry({ forgetful }: { readonly forgetful: boolean }) {
  const sent = new Set<string>();
  return startServer(async (request, response) => {
    const url = new URL(request.url ?? '', 'http://x');
    const bytes = await buffer(request);
    const [, name = ''] = /\/manifests\/(.*)$/.exec(url.pathname) ?? [];
    if (request.method === 'HEAD') return say(response, url.pathname.includes('/blobs/') ? 200 : 404, { 'content-length': '2' });
    if (request.method === 'POST') return say(response, 202, { location: '/v2/r/blobs/uploads/1' });
    if (name !== '') {
      const needs = [...bytes.toString().matchAll(/"(?:layers|manifests)":\[\{"mediaType":"[^"]*","digest":"([^"]*)"/g)];
      const lost = needs.some(([, digest = '']) => !sent.has(digest));
      if (lost) return say(response, 400, {}, '{"errors":[{"code":"MANIFEST_BLOB_UNKNOWN"}]}');
      sent.add(name);
    } else if (!forgetful) sent.add(url.searchParams.get('digest') ?? '');
    say(response, 201);
  });
}

test('what a registry said it had, and has not, is sent to it', async () => {
  const { source, index } = await artifact();
  await using server = await registry({ forgetful: false });
  using client = createRegistryClient({ world: patientWorld().world });
  const target = client.repository({ registry: server.host, repository: 'r' }, { access: 'push' });
  expect((await copy({ source, name: 'v1' }, { target }, { signal })).digest).toBe(index.descriptor.digest);
  const puts = server.seen.filter(({ method, path }) => method === 'PUT' && path.includes('uploads'));
  expect(puts).toHaveLength(1);
});

test('a registry that forgets everything is given up', async () => {
  const { source } = await artifact();
  await using server = await registry({ forgetful: true });
  using client = createRegistryClient({ world: patientWorld().world });
  const target = client.repository({ registry: server.host, repository: 'r' }, { access: 'push' });
  await expect(copy({ source, name: 'v1' }, { target }, { signal })).rejects.toMatchObject({ code: 'PK4037' });
});
