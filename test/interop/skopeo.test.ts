import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { copy } from '../../src/oci/copy/copy.ts';
import { collectLayout } from '../../src/oci/layout/collect.ts';
import { folderSource, folderTarget } from '../../src/oci/layout/folder.ts';
import { heldBlobs } from '../../src/oci/layout/held.ts';
import { memoryLayout } from '../../src/oci/layout/memory.ts';
import { verifyLayout } from '../../src/oci/layout/verify.ts';
import type { Descriptor } from '../../src/oci/model/descriptor.ts';
import { mediaTypes } from '../../src/oci/model/media-types.ts';
import type { Target } from '../../src/oci/model/ports.ts';
import { describe as describeBytes, emptyBlob, produceIndex, produceManifest } from '../../src/oci/model/produce.ts';
import { bytesSource } from '../../src/oci/model/read.ts';
import { createRegistryClient } from '../../src/oci/registry/client.ts';
import { canary, failureOf, user } from '../oci/asking.ts';
import { noRegistry, oneUser, startDockerRegistry } from './docker-registry.ts';
import type { DockerRegistry } from './docker-registry.ts';

const signal = new AbortController().signal;
const world = { now: () => new Date(), random: Math.random, sleep: async () => undefined };
const skopeo = ['/usr/bin/skopeo', '/usr/local/bin/skopeo'].find((path) => existsSync(path));
const missing = noRegistry ?? (skopeo === undefined ? 'there is no skopeo' : undefined);

async function push(target: Target, bytes: Uint8Array, descriptor: Descriptor): Promise<Descriptor> {
  await target.push(descriptor, bytesSource(bytes), signal);
  return descriptor;
}

/** An image for two platforms, and an artifact of our own kind. */
async function fill(target: Target) {
  const layer = gzipSync(Buffer.alloc(10_240));
  const layers = [await push(target, layer, describeBytes(layer, mediaTypes.layerGzip))];
  const images = [];
  for (const architecture of ['amd64', 'arm64']) {
    const config = Buffer.from(JSON.stringify({ architecture, os: 'linux', rootfs: { type: 'layers', diff_ids: [] } }));
    const manifest = produceManifest({
      config: await push(target, config, describeBytes(config, mediaTypes.imageConfig)),
      layers,
    });
    images.push({ ...(await push(target, manifest.bytes, manifest.descriptor)), platform: { os: 'linux', architecture } });
  }
  const index = produceIndex({ manifests: images });
  await push(target, index.bytes, index.descriptor);
  const file = randomBytes(2 * 1024 * 1024 + 1);
  await push(target, emptyBlob.bytes, emptyBlob.descriptor);
  const artifact = produceManifest({
    artifactType: 'application/vnd.example.v1',
    layers: [await push(target, file, describeBytes(file, 'application/octet-stream'))],
  });
  await push(target, artifact.bytes, artifact.descriptor);
  await target.tag(index.descriptor, 'image', signal);
  await target.tag(artifact.descriptor, 'artifact', signal);
  return { image: index.descriptor.digest, artifact: artifact.descriptor.digest };
}

if (missing !== undefined) test('skopeo', ({ skip }) => skip(missing));

describe.skipIf(missing !== undefined).each([
  ['open to everybody', undefined],
  ['for a user with a password', oneUser],
])('skopeo and a registry %s', (_name, users) => {
  let registry: DockerRegistry;
  let folder: string;
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'portkit-skopeo-'));
    registry = await startDockerRegistry(users);
    const auth = Buffer.from(`me:${canary}`).toString('base64');
    writeFileSync(join(folder, 'auth.json'), JSON.stringify({ auths: { [registry.host]: { auth } } }));
  });
  afterAll(async () => {
    await registry?.[Symbol.asyncDispose]();
    rmSync(folder, { recursive: true });
  });

  const run = (...args: readonly string[]) => {
    const env = { HOME: folder, TMPDIR: folder, REGISTRY_AUTH_FILE: join(folder, 'auth.json') };
    return promisify(execFile)(skopeo ?? '', ['--insecure-policy', ...args], { env, cwd: folder });
  };
  const open = () => createRegistryClient({ world, credentialFor: async () => (users === undefined ? undefined : user) });
  const plain = ['--all', '--preserve-digests', '--src-tls-verify=false', '--dest-tls-verify=false'];

  test.each(['image', 'artifact'] as const)('an %s goes through both, and stays what it is', async (name) => {
    using client = open();
    const mine = client.repository({ registry: registry.host, repository: `mine/${name}` }, { access: 'push' });
    const begin = memoryLayout();
    const wanted = (await fill(begin))[name];
    await copy({ source: begin, name }, { target: mine, name: 'v1' }, { signal });

    await run('copy', ...plain, `docker://${registry.host}/mine/${name}:v1`, `docker://${registry.host}/theirs/${name}:v1`);
    await run('copy', ...plain, `docker://${registry.host}/theirs/${name}:v1`, `oci:layout-${name}:v1`);
    const theirs = client.repository({ registry: registry.host, repository: `theirs/${name}` }, { access: 'pull' });
    expect((await theirs.resolve('v1', signal))?.digest).toBe(wanted);
    const layout = folderTarget(join(folder, `layout-${name}`));
    expect((await layout.resolve('v1', signal))?.digest).toBe(wanted);

    const back = client.repository(
      { registry: registry.host, repository: `back/${name}` },
      { access: 'push', mountFrom: [`mine/${name}`] },
    );
    await copy({ source: layout, name: 'v1' }, { target: back, name: 'v1' }, { signal, mountFrom: `mine/${name}` });
    const { stdout } = await run('inspect', '--raw', '--tls-verify=false', `docker://${registry.host}/back/${name}:v1`);
    expect((await back.resolve('v1', signal))?.size).toBe(Buffer.byteLength(stdout));

    const end = memoryLayout();
    const found = await copy({ source: back, name: 'v1' }, { target: end, name: 'v1' }, { signal });
    expect(found.digest).toBe(wanted);
  });

  if (users === undefined) return;
  test('nobody and the wrong one are told so', async () => {
    for (const credentialFor of [async () => undefined, async () => ({ ...user, username: 'you' }) as typeof user]) {
      using client = createRegistryClient({ world, credentialFor });
      const repository = client.repository({ registry: registry.host, repository: 'x' }, { access: 'pull' });
      expect((await failureOf(repository.resolve('v1', signal))).code).toBe('PK4030');
    }
  });
});

test.skipIf(skopeo === undefined)('what skopeo left in its layout is collected, and it reads the rest', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'portkit-skopeo-'));
  const run = (...args: readonly string[]) => promisify(execFile)(skopeo ?? '', ['--insecure-policy', ...args], { cwd: folder });
  try {
    await fill(folderTarget(join(folder, 'ours')));
    await run('copy', '--all', 'oci:ours:image', 'oci:theirs:v1');
    await run('copy', '--override-arch', 'arm64', 'oci:ours:image', 'oci:theirs:v1');
    const theirs = join(folder, 'theirs');
    const look = async () => verifyLayout({ source: folderSource(theirs), blobs: await heldBlobs(theirs) }, signal);
    expect(await look()).toMatchObject({ entries: 2, faults: [] });
    const { unlisted, removed } = await collectLayout(theirs, { untagged: true, dryRun: false, keep: 0, now: 0 }, signal);
    expect(unlisted.map(({ mediaType }) => mediaType)).toEqual([mediaTypes.index]);
    expect(removed.map(({ digest }) => digest)).toContain(unlisted[0]?.digest);
    expect(await look()).toMatchObject({ entries: 1, blobs: 3, unreferenced: [], faults: [] });
    await run('copy', 'oci:theirs:v1', 'dir:back');
  } finally {
    rmSync(folder, { recursive: true });
  }
});
