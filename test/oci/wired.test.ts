import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { digestOf } from '../../src/base/digest.ts';
import type { ImageSpec } from '../../src/graph/source-ops.ts';
import { pullToCache } from '../../src/oci/cache/cache.ts';
import { memoryLayout } from '../../src/oci/layout/memory.ts';
import { mediaTypes } from '../../src/oci/model/media-types.ts';
import { describe as describeBlob, produceManifest } from '../../src/oci/model/produce.ts';
import { parseReference } from '../../src/oci/model/reference.ts';
import { openStore } from '../../src/store/open.ts';
import type { Store } from '../../src/store/store.ts';
import { exportersOf, opsOf } from '../../src/wiring.ts';
import { openBackendRegistries } from '../../src/wiring/backend-registries.ts';
import { repositoryAt } from './asking.ts';
import { say, startServer } from './server.ts';
import type { TestServer } from './server.ts';
import { layerOf, put, putImage } from './small-image.ts';
import { registriesOf } from '../../src/wiring/registries.ts';
import { emptyShelves, smallRegistry } from './small-registry.ts';

const { signal } = new AbortController();
const half = 10 << 20;
let folder: string;
let store: Store;
let warnings: string[];
const warn = (message: string) => void warnings.push(message);

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'portkit-wired-'));
  store = openStore(join(folder, 'store'), { now: Date.now });
  // A file of another program that cannot be read is told.
  writeFileSync(join(folder, 'config.json'), '{');
  vi.stubEnv('HOME', folder);
  vi.stubEnv('DOCKER_CONFIG', folder);
  vi.stubEnv('XDG_CONFIG_HOME', folder);
  warnings = [];
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await store[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true, force: true });
});
const told = () => [`${join(folder, 'config.json')} is no file of credentials`];

/** A registry that gives the first who asks half of the only large blob, and nothing more. */
async function slowRegistry() {
  const ranges: (string | undefined)[] = [];
  let large: Buffer | undefined;
  const server = await startServer(
    smallRegistry(emptyShelves(), (request, response) => {
      if (large === undefined || request.method !== 'GET' || !request.url?.includes(digestOf(large))) return false;
      ranges.push(request.headers.range);
      if (ranges.length > 1) return false;
      response.writeHead(200, { 'content-length': String(large.length) }).write(large.subarray(0, half));
      return true;
    }),
  );
  const bytes = layerOf('x'.repeat(half + (2 << 20)));
  const about = Buffer.from(
    JSON.stringify({ os: 'linux', architecture: 'amd64', rootfs: { type: 'layers', diff_ids: [digestOf(bytes)] } }),
  );
  using repository = repositoryAt(server.host);
  const config = await put(repository, { descriptor: describeBlob(about, mediaTypes.imageConfig), bytes: about });
  const layer = await put(repository, { descriptor: describeBlob(bytes, mediaTypes.layerTar), bytes });
  const manifest = await put(repository, produceManifest({ config, layers: [layer] }));
  await repository.tag(manifest, 'v1', signal);
  large = bytes;
  return { server, ranges, layer, manifest };
}

/** Takes the first half of what comes, and then no more. */
async function untilHalf(work: (stop: AbortSignal, came: (size: number) => void) => Promise<unknown>): Promise<void> {
  const enough = new AbortController();
  await expect(
    work(enough.signal, (size) => {
      if (size >= half) enough.abort(new Error('enough'));
    }),
  ).rejects.toThrow('enough');
}

test('an image step goes on with a large layer where the build before it was ended, and tells of credentials', async () => {
  const { server, ranges, manifest } = await slowRegistry();
  await using _ = server;
  const op: ImageSpec = { type: 'image', reference: `${server.host}/r:v1`, digest: manifest.digest, platform: 'linux/amd64' };
  const vertex = { name: 'base', op, inputs: [] } as never;
  const run = async (stop: AbortSignal, came: (size: number) => void) => {
    const around = { store, directory: folder, secrets: () => undefined, version: '0', warn, signal: stop };
    await using ops = await opsOf({ vertices: [vertex], targets: {} }, around);
    return await ops.opFor(vertex).run([], { signal: stop, output: () => undefined, transfer: came });
  };
  await untilHalf(run);
  expect(warnings).toEqual(told());
  expect(await run(signal, () => undefined)).toMatchObject({ ok: true });
  expect(ranges).toEqual([undefined, expect.stringMatching(/^bytes=[1-9]\d*-$/)]);
  expect(readdirSync(join(store.directory, 'downloads', 'oci')).filter((name) => name !== 'turns')).toEqual([]);
});

test('so does the registry of artifacts; what is wrong is told once, however many registries are asked', async () => {
  const { server, ranges, layer } = await slowRegistry();
  const other = await slowRegistry();
  await using held = new AsyncDisposableStack();
  held.use(server);
  held.use(other.server);
  const pull = async ({ host }: TestServer, stop: AbortSignal, came: (size: number) => void) => {
    using registries = openBackendRegistries({ warn, folder: () => Promise.resolve(folder) });
    const wish = { repository: 'r', access: 'pull', config: { kind: 'oci-registry' } } as const;
    const at = (registry: string) => registries.openRepository({ ...wish, registry, config: wish.config as never });
    await (await at(other.server.host)).resolve('v1', stop);
    let size = 0;
    for await (const chunk of await (await at(host)).fetch(layer, stop)) came((size += chunk.length));
    return size;
  };
  await untilHalf((stop, came) => pull(server, stop, came));
  expect(warnings).toEqual(told());
  expect(await pull(server, signal, () => undefined)).toBe(layer.size);
  expect(ranges).toEqual([undefined, expect.stringMatching(/^bytes=[1-9]\d*-$/)]);
});

test('what is pushed by an output of a build leaves no connection', async () => {
  const image = memoryLayout('localhost/demo');
  await putImage(image, 'v1');
  await pullToCache({ source: image, name: 'v1' }, { reference: parseReference('localhost/demo:v1'), store }, { signal });
  const ref = store.tags.get('oci/localhost/demo:v1');
  if (ref === undefined) throw new Error('nothing was pulled');
  const shelves = emptyShelves();
  const handler = smallRegistry(shelves);
  // It keeps connections for as long as its clients do.
  const server = createServer({ keepAliveTimeout: 0 }, (request, response) => void handler(request, response));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const open = () => new Promise((resolve) => server.getConnections((_error, count) => resolve(count)));
  try {
    const name = `127.0.0.1:${(server.address() as { port: number }).port}/r:pushed`;
    const output = `type=oci-registry,name=${name}`;
    {
      using ways = await exportersOf([output, `${output}2`], ['image'], { warn });
      for (const exporter of ways.exporters) {
        using prepared = await exporter.prepare([{ name: 'image', ref }], { blobs: store.blobs, signal });
        await prepared.publish(signal);
      }
      expect(await open()).toBeGreaterThan(0);
    }
    await expect.poll(open).toBe(0);
    expect([...shelves.manifests.keys()].filter((key) => !key.includes(':'))).toEqual(['pushed', 'pushed2']);
    expect(warnings).toEqual(told());
  } finally {
    server.closeAllConnections();
    server.close();
  }
});

test('who is kept waiting is told why, and how long', async () => {
  let isBusy = true;
  await using server = await startServer((request, response) => {
    if (!isBusy) return smallRegistry(emptyShelves())(request, response);
    isBusy = false;
    say(response, 429, { 'retry-after': '1' });
  });
  using registries = registriesOf({ env: {}, home: folder, warn });
  const reference = parseReference(`${server.host}/r:v1`);
  expect(await registries.repository(reference, { access: 'pull' }).resolve('v1', signal)).toBeUndefined();
  expect(warnings).toContain(`${server.host} answers with status 429: trying again in 1.0 s`);
});

test('who speaks no TLS to a server that wants it is told what to try', async () => {
  await using server = await startServer((_request, response) => say(response, 400));
  using registries = registriesOf({ env: {}, home: folder, warn });
  const reference = parseReference(`${server.host}/r:v1`);
  const refused = registries.repository(reference, { access: 'pull' }).resolve('v1', signal);
  await expect(refused).rejects.toMatchObject({ code: 'PK4036', hint: `Perhaps ${server.host} speaks TLS: try it with --tls` });
});
