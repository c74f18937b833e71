import { createHash, randomBytes } from 'node:crypto';
import { buffer } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Descriptor } from '../../src/oci/model/descriptor.ts';
import type { BlobSource } from '../../src/oci/model/ports.ts';
import { createRegistryClient } from '../../src/oci/registry/client.ts';
import { bytesSource } from '../../src/oci/model/read.ts';
import { emptyBlob, produceManifest } from '../../src/oci/model/produce.ts';
import { received } from '../oci/asking.ts';
import { startCuttingProxy } from './cutting-proxy.ts';
import { noRegistry, startDockerRegistry } from './docker-registry.ts';
import type { DockerRegistry } from './docker-registry.ts';

const signal = new AbortController().signal;
const world = { now: () => new Date(), random: Math.random, sleep: async () => undefined };

function descriptorOf(bytes: Buffer, mediaType: string): Descriptor {
  return { mediaType, digest: `sha256:${createHash('sha256').update(bytes).digest('hex')}`, size: bytes.length };
}

function sourceOf(bytes: Buffer): BlobSource {
  return {
    async *open(_signal, offset = 0) {
      for (let at = offset; at < bytes.length; at += 65_536) yield bytes.subarray(at, at + 65_536);
    },
  };
}

if (noRegistry !== undefined) test('the registry of Debian', ({ skip }) => skip(noRegistry));

describe.skipIf(noRegistry !== undefined)('the registry of Debian', () => {
  let registry: DockerRegistry;
  beforeAll(async () => {
    registry = await startDockerRegistry();
  });
  afterAll(() => registry?.[Symbol.asyncDispose]());

  test('takes and gives back an artifact', async () => {
    using client = createRegistryClient({ world });
    const repository = client.repository({ registry: registry.host, repository: 'a/b' }, { access: 'push' });
    const layer = randomBytes(3 * 1024 * 1024 + 7);
    const config = Buffer.from('{}');
    const layerDescriptor = descriptorOf(layer, 'application/octet-stream');
    const configDescriptor = descriptorOf(config, 'application/vnd.oci.empty.v1+json');
    expect(await repository.exists(layerDescriptor, signal)).toBe(false);
    expect(await repository.push(layerDescriptor, sourceOf(layer), signal)).toBe('stored');
    expect(await repository.push(layerDescriptor, sourceOf(layer), signal)).toBe('existed');
    expect(await repository.push(configDescriptor, sourceOf(config), signal)).toBe('stored');
    const manifestType = 'application/vnd.oci.image.manifest.v1+json';
    const manifest = Buffer.from(
      JSON.stringify({
        schemaVersion: 2,
        mediaType: manifestType,
        artifactType: 'application/vnd.example.v1',
        config: configDescriptor,
        layers: [layerDescriptor],
      }),
    );
    const manifestDescriptor = descriptorOf(manifest, manifestType);
    expect(await repository.push(manifestDescriptor, sourceOf(manifest), signal)).toBe('stored');
    await repository.tag(manifestDescriptor, 'v1', signal);

    const reader = client.repository({ registry: registry.host, repository: 'a/b' }, { access: 'pull' });
    expect(await reader.resolve('v1', signal)).toEqual(manifestDescriptor);
    expect(await reader.resolve('v2', signal)).toBeUndefined();
    expect(await buffer(await reader.fetch(manifestDescriptor, signal))).toEqual(manifest);
    expect((await buffer(await reader.fetch(layerDescriptor, signal))).equals(layer)).toBe(true);
    expect((await received(reader, layerDescriptor, 1_000_000)).equals(layer.subarray(1_000_000))).toBe(true);
    expect(await Array.fromAsync(reader.tags(signal))).toEqual(['v1']);

    const neighbour = client.repository({ registry: registry.host, repository: 'c' }, { access: 'push', mountFrom: ['a/b'] });
    expect(await neighbour.mounting.mount(layerDescriptor, 'a/b', signal)).toBe(true);
    expect(await neighbour.exists(layerDescriptor, signal)).toBe(true);
    expect(await neighbour.mounting.mount(descriptorOf(Buffer.from('x'), 'a/b'), 'a/b', signal)).toBe(false);
    expect(await repository.deleting.delete(manifestDescriptor.digest, signal)).toBe(true);
    expect(await repository.deleting.delete(manifestDescriptor.digest, signal)).toBe(false);
  });

  test('lists what refers to a manifest by the tag that stands in for the list', async () => {
    using client = createRegistryClient({ world });
    const repository = client.repository({ registry: registry.host, repository: 'referred' }, { access: 'push' });
    await repository.push(emptyBlob.descriptor, bytesSource(emptyBlob.bytes), signal);
    const subject = produceManifest({ artifactType: 'application/vnd.example.subject', layers: [] });
    await repository.push(subject.descriptor, bytesSource(subject.bytes), signal);
    const notes = ['a', 'b', 'c'].map((note) =>
      produceManifest({
        artifactType: `application/vnd.example.${note}`,
        layers: [],
        subject: subject.descriptor,
        annotations: { note },
      }),
    );
    await Promise.all(notes.map(({ descriptor, bytes }) => repository.push(descriptor, bytesSource(bytes), signal)));
    const found = await Array.fromAsync(repository.referring.referrers(subject.descriptor, signal));
    expect(new Set(found.map(({ annotations }) => annotations?.['note']))).toEqual(new Set(['a', 'b', 'c']));
    expect(found.map(({ digest }) => digest)).toEqual(notes.map(({ descriptor }) => descriptor.digest).toSorted());
    const type = 'application/vnd.example.b';
    const [only, ...others] = await Array.fromAsync(repository.referring.referrers(subject.descriptor, signal, type));
    expect([only?.artifactType, others.length]).toEqual([type, 0]);
    await repository.deleting.delete(only?.digest ?? '', signal);
    expect(await Array.fromAsync(repository.referring.referrers(subject.descriptor, signal))).toHaveLength(2);
  });

  describe('behind a line that breaks', () => {
    const blob = randomBytes(1024 * 1024 + 99);
    const descriptor = descriptorOf(blob, 'application/octet-stream');
    const places = Array.from({ length: 16 }, (_, index) => (index + 1) * 65_536 - 1);

    test('a push that is cut at each 64 KiB, once', async () => {
      using proxy = await startCuttingProxy(registry.host);
      for (const place of places) {
        using client = createRegistryClient({ world });
        const repository = client.repository({ registry: proxy.host, repository: `cut/push-${place}` }, { access: 'push' });
        proxy.cut('up', [place]);
        expect(await repository.push(descriptor, sourceOf(blob), signal)).toBe('stored');
        const direct = client.repository({ registry: registry.host, repository: `cut/push-${place}` }, { access: 'pull' });
        expect((await buffer(await direct.fetch(descriptor, signal))).equals(blob)).toBe(true);
      }
      expect(proxy.cuts).toBe(places.length);
    });

    test('a pull that is cut at each 64 KiB, all in one, and once each', async () => {
      using proxy = await startCuttingProxy(registry.host);
      using client = createRegistryClient({ world });
      const direct = client.repository({ registry: registry.host, repository: 'cut/pull' }, { access: 'push' });
      await direct.push(descriptor, sourceOf(blob), signal);
      const repository = client.repository({ registry: proxy.host, repository: 'cut/pull' }, { access: 'pull' });
      proxy.cut(
        'down',
        Array.from({ length: 15 }, () => 66_560),
      );
      expect((await buffer(await repository.fetch(descriptor, signal))).equals(blob)).toBe(true);
      expect(proxy.cuts).toBe(15);
      for (const place of places) {
        proxy.cut('down', [place]);
        expect((await buffer(await repository.fetch(descriptor, signal))).equals(blob)).toBe(true);
      }
      expect(proxy.cuts).toBe(15 + places.length);
    });
  });
});
