import { describe, expect, test } from 'vitest';
import type { Descriptor } from '../../src/oci/model/descriptor.ts';
import { mediaTypes } from '../../src/oci/model/media-types.ts';
import { bytesSource } from '../../src/oci/model/read.ts';
import { emptyBlob, produceIndex, produceManifest } from '../../src/oci/model/produce.ts';
import type { Produced } from '../../src/oci/model/produce.ts';
import { createRegistryClient } from '../../src/oci/registry/client.ts';
import { noRegistry, startDockerRegistry } from '../interop/docker-registry.ts';
import { failureOf, repositoryAt } from './asking.ts';
import { startServer } from './server.ts';
import { emptyShelves, smallRegistry } from './small-registry.ts';
import type { Shelves } from './small-registry.ts';

const signal = new AbortController().signal;
const subject = produceManifest({ artifactType: 'application/vnd.example.subject', layers: [] });
const tag = subject.descriptor.digest.replace(':', '-');
const annotations = { note: 'one', 'org.opencontainers.image.created': '2001-01-01T00:00:00Z' };

/** The forms that what refers to something can have, and what lists of them say of each (distribution-spec, "Pushing Manifests with Subject"). */
const forms = {
  'a manifest': [
    produceManifest({ artifactType: 'application/vnd.one', layers: [], subject: subject.descriptor, annotations }),
    'application/vnd.one',
  ],
  'a manifest without a type, which is that of its config': [
    produceManifest({
      config: { ...emptyBlob.descriptor, mediaType: 'application/vnd.config' },
      layers: [],
      subject: subject.descriptor,
      annotations,
    }),
    'application/vnd.config',
  ],
  'an index': [
    produceIndex({ artifactType: 'application/vnd.index', manifests: [], subject: subject.descriptor, annotations }),
    'application/vnd.index',
  ],
  'an index without a type': [produceIndex({ manifests: [], subject: subject.descriptor, annotations }), undefined],
} as const satisfies Record<string, readonly [Produced, string | undefined]>;
const [one] = forms['a manifest'];
const [two] = forms['an index'];

type Repository = Pick<ReturnType<typeof repositoryAt>, 'push' | 'referring' | 'deleting'>;
const push = (repository: Repository, { descriptor, bytes }: Produced) => repository.push(descriptor, bytesSource(bytes), signal);
const listed = (repository: Repository, type?: string) =>
  Array.fromAsync(repository.referring.referrers(subject.descriptor, signal, type));
/** An entry as it must be listed. */
function entryOf({ descriptor }: Produced, artifactType: string | undefined): Descriptor {
  const { mediaType, digest, size } = descriptor;
  return { mediaType, digest, size, annotations, ...(artifactType !== undefined && { artifactType }) };
}

describe('what a registry without a list of referrers is given', () => {
  async function checkForms(repository: Repository): Promise<void> {
    for (const [referrer, artifactType] of Object.values(forms)) {
      await push(repository, referrer);
      const entry = entryOf(referrer, artifactType);
      expect(await listed(repository)).toContainEqual(entry);
      if (artifactType !== undefined) expect(await listed(repository, artifactType)).toEqual([entry]);
    }
    expect(await listed(repository, 'application/vnd.nobody')).toEqual([]);
    expect(await listed(repository)).toHaveLength(4);
    for (const [{ descriptor }] of Object.values(forms)) {
      expect(await repository.deleting.delete(descriptor.digest, signal)).toBe(true);
      expect((await listed(repository)).map(({ digest }) => digest)).not.toContain(descriptor.digest);
    }
    expect(await listed(repository)).toEqual([]);
  }

  test('says the type and the annotations of each, and no longer those of what was deleted', async () => {
    const shelves = emptyShelves();
    await using server = await startServer(
      smallRegistry(shelves, (request, response) => {
        if (request.method !== 'DELETE') return false;
        response.writeHead(shelves.manifests.delete(request.url?.split('/').at(-1) ?? '') ? 202 : 404).end();
        return true;
      }),
    );
    using repository = repositoryAt(server.host);
    await checkForms(repository);
  });

  describe.skipIf(noRegistry !== undefined)('by the registry of Debian', () => {
    const world = {
      now: () => new Date(),
      random: Math.random,
      sleep: (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms)),
    };
    test('says the same, and writers at the same time lose nothing', { timeout: 30_000 }, async () => {
      await using registry = await startDockerRegistry();
      await using held = new AsyncDisposableStack();
      const repository = () => {
        const client = held.use(createRegistryClient({ world }));
        return client.repository({ registry: registry.host, repository: 'r' }, { access: 'push' });
      };
      const first = repository();
      const config = { ...emptyBlob.descriptor, mediaType: 'application/vnd.config' };
      await first.push(config, bytesSource(emptyBlob.bytes), signal);
      await push(first, subject);
      await checkForms(first);
      const many = Array.from({ length: 4 }, (_, at) =>
        produceManifest({ artifactType: `application/vnd.n${at}`, layers: [], subject: subject.descriptor }),
      );
      // Each with connections of its own, as several processes have them.
      await Promise.all(many.map((each) => push(repository(), each)));
      expect(new Set((await listed(first)).map(({ digest }) => digest))).toEqual(
        new Set(many.map(({ descriptor }) => descriptor.digest)),
      );
    });
  });
});

/** A registry where this happens to the shelves after each reading and writing of the tag. */
async function meddled(
  meddle: (shelves: Shelves, method: string) => void,
  work: (repository: Repository, shelves: Shelves) => Promise<void>,
): Promise<readonly string[]> {
  const shelves = emptyShelves();
  const registry = smallRegistry(shelves);
  const seen: string[] = [];
  await using server = await startServer(async (request, response) => {
    const { method = '', url = '' } = request;
    if (!url.endsWith(tag)) return registry(request, response);
    seen.push(method);
    response.on('finish', () => meddle(shelves, method));
    return registry(request, response);
  });
  using repository = repositoryAt(server.host);
  await work(repository, shelves);
  return seen;
}

const write = (shelves: Shelves, value: unknown, type: string = mediaTypes.index) =>
  void shelves.manifests.set(tag, { type, bytes: Buffer.from(JSON.stringify(value)) });
const indexOf = (...manifests: readonly unknown[]) => ({ schemaVersion: 2, mediaType: mediaTypes.index, manifests });

describe('a tag of others', () => {
  test('keeps all that they say, also what is not known here', async () => {
    const others = {
      ...indexOf({ ...two.descriptor, urls: ['https://example.org/'], data: 'e30=', strange: { a: [1] } }),
      annotations: { by: 'somebody' },
      'org.example': 1,
    };
    await meddled(
      () => undefined,
      async (repository, shelves) => {
        write(shelves, others);
        await push(repository, one);
        const after = JSON.parse(shelves.manifests.get(tag)?.bytes.toString() ?? '') as typeof others;
        expect(new Set(after.manifests)).toEqual(new Set([...others.manifests, entryOf(one, 'application/vnd.one')]));
        expect({ ...after, manifests: [] }).toEqual({ ...others, manifests: [] });
      },
    );
  });
  test('that lists a manifest twice, and without what it says, lists it once and with all', async () => {
    const { mediaType, digest, size } = one.descriptor;
    await meddled(
      () => undefined,
      async (repository, shelves) => {
        write(shelves, indexOf({ mediaType, digest, size }, { mediaType, digest, size }));
        await push(repository, one);
        const after = JSON.parse(shelves.manifests.get(tag)?.bytes.toString() ?? '') as { manifests: unknown };
        expect(after.manifests).toEqual([entryOf(one, 'application/vnd.one')]);
      },
    );
  });
  test('that loses each time what is written is given up', async () => {
    const seen = await meddled(
      (shelves, method) => method === 'PUT' && write(shelves, indexOf(two.descriptor)),
      async (repository) => {
        expect((await failureOf(push(repository, one))).code).toBe('PK4036');
      },
    );
    expect(seen).toEqual(Array.from({ length: 10 }, () => ['GET', 'PUT']).flat());
  });
  test.each([
    [
      'no index',
      (shelves: Shelves) => write(shelves, JSON.parse(Buffer.from(one.bytes).toString()), mediaTypes.manifest),
      'PK4002',
    ],
    [
      'no JSON',
      (shelves: Shelves) => void shelves.manifests.set(tag, { type: mediaTypes.index, bytes: Buffer.from('{') }),
      'PK4002',
    ],
    [
      'an index with a digest that is none',
      (shelves: Shelves) => write(shelves, indexOf({ ...two.descriptor, digest: 'sha256:../x' })),
      'PK4002',
    ],
    ['an index that is too large', (shelves: Shelves) => write(shelves, { ...indexOf(), a: 'x'.repeat(5 << 20) }), 'PK4006'],
    ['one that is both', (shelves: Shelves) => write(shelves, { ...indexOf(), layers: [] }), 'PK4002'],
  ])('that becomes %s when it was written is left alone, and that is told', async (_name, becomes, code) => {
    const seen = await meddled(
      (shelves, method) => method === 'PUT' && becomes(shelves),
      async (repository) => {
        expect((await failureOf(push(repository, one))).code).toBe(code);
      },
    );
    expect(seen).toEqual(['GET', 'PUT', 'GET']);
  });
});
