import { createHash } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { copy } from '../../src/oci/copy/copy.ts';
import { memoryLayout } from '../../src/oci/layout/memory.ts';
import type { Descriptor } from '../../src/oci/model/descriptor.ts';
import { mediaTypes } from '../../src/oci/model/media-types.ts';
import type { Target } from '../../src/oci/model/ports.ts';
import { describe as describeBlob } from '../../src/oci/model/produce.ts';
import { bytesSource, readDocument } from '../../src/oci/model/read.ts';
import { createRegistryClient } from '../../src/oci/registry/client.ts';
import type { RegistryClient } from '../../src/oci/registry/client.ts';
import { noRegistry, startDockerRegistry } from './docker-registry.ts';
import type { DockerRegistry } from './docker-registry.ts';

const { signal } = new AbortController();
const world = { now: () => new Date(), random: Math.random, sleep: () => Promise.resolve() };

/** Puts bytes somewhere, as a blob or document of this type. */
async function put(target: Target, bytes: Buffer | string, mediaType: string): Promise<Descriptor> {
  const all = Buffer.from(bytes);
  const descriptor = describeBlob(all, mediaType);
  await target.push(descriptor, bytesSource(all), signal);
  return descriptor;
}

const json = (target: Target, mediaType: string, value: Readonly<Record<string, unknown>>): Promise<Descriptor> =>
  put(target, JSON.stringify({ schemaVersion: 2, mediaType, ...value }), mediaType);

const config = (target: Target) =>
  put(target, '{"architecture":"amd64","os":"linux","rootfs":{"type":"layers","diff_ids":[]}}', mediaTypes.imageConfig);

/** The artifact that others refer to or name; `note` tells one from the other. */
async function artifact(target: Target, note: string, more: Readonly<Record<string, unknown>> = {}): Promise<Descriptor> {
  const empty = await put(target, '{}', mediaTypes.empty);
  const layer = await put(target, `content of ${note}`, 'application/octet-stream');
  const value = { artifactType: 'application/vnd.example', config: empty, layers: [layer], annotations: { note }, ...more };
  return json(target, mediaTypes.manifest, value);
}

/** What the conformance suite of distribution-spec pushes and pulls (conformance/run.go, GenerateData), as raw documents. */
const dataSets: Readonly<Record<string, (target: Target) => Promise<Descriptor>>> = {
  image: async (target) => {
    const layer = await put(target, Buffer.from([0x1f, 0x8b, 8, 0]), mediaTypes.layerGzip);
    return json(target, mediaTypes.manifest, { config: await config(target), layers: [layer] });
  },
  'image without compression': async (target) => {
    const layer = await put(target, Buffer.alloc(1024), mediaTypes.layerTar);
    return json(target, mediaTypes.manifest, { config: await config(target), layers: [layer] });
  },
  'blob without bytes': async (target) => {
    const layer = await put(target, '', 'application/octet-stream');
    return json(target, mediaTypes.manifest, { config: await config(target), layers: [layer] });
  },
  'large manifest': (target) => artifact(target, 'x'.repeat(3_900_000)),
  index: async (target) =>
    json(target, mediaTypes.index, { manifests: [await artifact(target, 'a'), await artifact(target, 'b')] }),
  'index in an index': async (target) => {
    const inner = await json(target, mediaTypes.index, { manifests: [await artifact(target, 'inner')] });
    return json(target, mediaTypes.index, { manifests: [inner, await artifact(target, 'outer')] });
  },
  'index of nothing': (target) => json(target, mediaTypes.index, { manifests: [] }),
  artifact: (target) => artifact(target, 'alone'),
  'index of artifacts': async (target) =>
    json(target, mediaTypes.index, { artifactType: 'application/vnd.example', manifests: [await artifact(target, 'within')] }),
  'artifact without layers': async (target) => {
    const empty = await put(target, '{}', mediaTypes.empty);
    return json(target, mediaTypes.manifest, { artifactType: 'a/b', config: empty, layers: [empty] });
  },
  'image without layers': async (target) => json(target, mediaTypes.manifest, { config: await config(target), layers: [] }),
  'artifact with a subject': async (target) => artifact(target, 'referrer', { subject: await artifact(target, 'subject') }),
  'index with a subject': async (target) => {
    const subject = await artifact(target, 'subject of an index');
    return json(target, mediaTypes.index, { manifests: [], subject, artifactType: 'a/b' });
  },
  'artifact whose subject is missing': (target) =>
    artifact(target, 'orphan', { subject: describeBlob(Buffer.from('nowhere'), mediaTypes.manifest) }),
  'descriptor with its data in it': async (target) => {
    const inline = { ...(await put(target, '{}', mediaTypes.empty)), data: 'e30=' };
    return artifact(target, 'data', { config: inline });
  },
  'fields that nobody knows': (target) => artifact(target, 'custom', { 'org.example.field': { b: [1, null], a: '\u{1f600}' } }),
  'white space as it was': async (target) => {
    const empty = await put(target, '{}', mediaTypes.empty);
    const said = JSON.stringify({ layers: [empty], config: empty, artifactType: 'a/b', schemaVersion: 2 }, null, 4);
    return put(target, `${said}\n`, mediaTypes.manifest);
  },
};

if (noRegistry !== undefined) test('the registry of Debian', ({ skip }) => skip(noRegistry));

describe.skipIf(noRegistry !== undefined)('by way of the registry of Debian', () => {
  let registry: DockerRegistry;
  let client: RegistryClient;
  beforeAll(async () => {
    registry = await startDockerRegistry();
    client = createRegistryClient({ world });
  });
  afterAll(async () => {
    client?.[Symbol.dispose]();
    await registry?.[Symbol.asyncDispose]();
  });

  test.each(Object.keys(dataSets))('%s stays what it is, byte for byte', async (name) => {
    const here = memoryLayout();
    const root = await dataSets[name]?.(here);
    if (root === undefined) throw new Error('there is no such data set');
    const repository = `sets/${createHash('sha1').update(name).digest('hex')}`;
    const there = client.repository({ registry: registry.host, repository }, { access: 'push' });
    await copy({ source: here, name: root.digest }, { target: there, name: 'v1' }, { signal, referrers: true });
    const back = memoryLayout();
    const reader = client.repository({ registry: registry.host, repository }, { access: 'pull' });
    const found = await copy(
      { source: reader, name: 'v1' },
      { target: back, name: 'v1' },
      { signal, referrers: true, verify: true },
    );
    expect(found).toMatchObject({ digest: root.digest, mediaType: root.mediaType, size: root.size });
    const [before, after] = await Promise.all([here, back].map((layout) => readDocument(layout, root, signal)));
    expect(Buffer.from(after ?? []).equals(Buffer.from(before ?? []))).toBe(true);
    expect(await back.exists(root, signal)).toBe(true);
    expect(await Array.fromAsync(reader.tags(signal))).toContain('v1');
  });
});
