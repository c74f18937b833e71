import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { folderTarget } from '../../src/oci/layout/folder.ts';
import type { Descriptor } from '../../src/oci/model/descriptor.ts';
import { describe as describeBlob, emptyBlob, produceManifest } from '../../src/oci/model/produce.ts';
import { noRegistry, startDockerRegistry } from '../interop/docker-registry.ts';
import type { DockerRegistry } from '../interop/docker-registry.ts';
import { put, putImage } from '../oci/small-image.ts';

/** The user "user" with the password "password". */
const htpasswd = 'user:$2b$05$abcdefghijklmnopqrstuuWG29KuyeAicPCJODk1zjyGvyQUU2awu\n';
const title = 'org.opencontainers.image.title';

let folder: string;
const { signal } = new AbortController();
const at = (name: string): string => join(folder, name);

function portkit(...args: readonly string[]) {
  return spawnSync('sh', [join(process.cwd(), 'bin/portkit'), ...args], {
    encoding: 'utf8',
    cwd: folder,
    env: { PATH: process.env['PATH'], HOME: folder, PORTKIT_ROOT: at('store') },
  });
}

/** Standard output of a command that succeeds and has nothing to say beside it. */
function said(...args: readonly string[]): string {
  const { status, stdout, stderr } = portkit(
    ...args,
    ...(args[0] === 'copy' || args[0] === 'pull' || args[0] === 'push' ? ['--quiet'] : []),
  );
  expect({ args, status, stderr }).toEqual({ args, status: 0, stderr: '' });
  return stdout.trimEnd();
}

function refused(status: number, code: string, ...args: readonly string[]): string {
  const end = portkit(...args);
  expect({ args, status: end.status, stdout: end.stdout, stderr: end.stderr }).toEqual({
    args,
    status,
    stdout: '',
    stderr: expect.stringContaining(`error[${code}]`),
  });
  return end.stderr;
}

/** What a name stands for, by `inspect --json`. */
function inspected(place: string): Record<string, unknown> & { readonly digest: string } {
  return JSON.parse(said('inspect', place, '--json'));
}

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'portkit-oci-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** A layout with an image for two platforms, and what refers to it and to one of its manifests. */
async function layout() {
  const target = folderTarget(at('image'));
  const { index, manifests } = await putImage(target, 'v1');
  await put(target, emptyBlob);
  const refer = (subject: Descriptor, artifactType: string) =>
    put(target, produceManifest({ artifactType, layers: [], subject }));
  const signature = await refer(index, 'application/vnd.example.signature');
  const [amd = index] = manifests;
  const sbom = await refer(amd, 'application/vnd.example.sbom');
  return { index, manifests, signature, sbom };
}

describe('without a registry', () => {
  test('a layout is copied to an archive and back, byte for byte, with what refers to it', async () => {
    const { index, signature, sbom } = await layout();
    const copied = said('copy', 'oci:image:v1', 'oci-archive:image.tar', '--referrers');
    expect(copied).toBe(`oci-archive:image.tar:v1@${index.digest}`);
    expect(said('copy', 'oci-archive:image.tar', 'oci:back:v2', '--referrers')).toBe(`oci:back:v2@${index.digest}`);
    expect(inspected('oci:back:v2')).toMatchObject({
      digest: index.digest,
      kind: 'index',
      referrers: [{ digest: signature.digest }],
    });
    expect(readdirSync(at('back/blobs/sha256'))).toHaveLength(readdirSync(at('image/blobs/sha256')).length);
    expect(said('referrers', `oci:back@${index.digest}`)).toContain('application/vnd.example.signature');
    expect(existsSync(at(`back/blobs/sha256/${sbom.digest.slice(7)}`))).toBe(true);
    expect(readdirSync(folder).filter((name) => name.startsWith('.portkit-new'))).toEqual([]);
  });

  test('one platform is copied alone', async () => {
    const { manifests } = await layout();
    const arm = manifests[1]?.digest ?? '';
    expect(said('copy', 'oci:image:v1', 'oci:arm:v1', '--platform', 'linux/arm64')).toBe(`oci:arm:v1@${arm}`);
    expect(inspected('oci:arm:v1')).toMatchObject({ kind: 'image', digest: arm });
    expect(readdirSync(at('arm/blobs/sha256'))).toHaveLength(3);
    refused(1, 'PK4001', 'copy', 'oci:image:v1', 'oci:none:v1', '--platform', 'linux/s390x');
    expect(existsSync(at('none'))).toBe(false);
  });

  test('a layout gets more tags, and says what is in it', async () => {
    const { index, signature } = await layout();
    expect(said('tag', 'oci:image:v1', 'latest', 'v1.0')).toBe(
      ['latest', 'v1.0']
        .map((tag) => `${at('image')}:${tag}@${index.digest}`)
        .join('\n')
        .replaceAll(at('image'), 'image'),
    );
    expect(inspected('oci:image:v1.0').digest).toBe(index.digest);
    const text = said('inspect', 'oci:image:latest');
    expect(text).toContain('oci:image:latest: index\n');
    expect(text).toContain('linux/arm64');
    expect(text).toContain(`referrer: application/vnd.example.signature  ${signature.digest}`);
    expect(JSON.parse(said('referrers', 'oci:image:v1', '--json'))).toMatchObject({
      subject: { digest: index.digest },
      referrers: [{ descriptor: { digest: signature.digest }, referrers: [] }],
    });
    expect(JSON.parse(said('referrers', 'oci:image:v1', '--artifact-type', 'a/b', '--json'))).toMatchObject({ referrers: [] });
  });

  test('what is damaged is status 7, and does not arrive', async () => {
    const { manifests } = await layout();
    const config = JSON.parse(readFileSync(at(`image/blobs/sha256/${manifests[0]?.digest.slice(7)}`), 'utf8')).config.digest;
    const path = at(`image/blobs/sha256/${config.slice(7)}`);
    writeFileSync(path, readFileSync(path, 'latin1').replace('linux', 'lunix'));
    expect(refused(7, 'PK4003', 'copy', 'oci:image:v1', 'oci:copy:v1', '--quiet')).toContain(config);
    expect(existsSync(at('copy/index.json'))).toBe(false);
  });

  test('what is not there, not a name or not a place is told', async () => {
    await layout();
    refused(1, 'PK4001', 'inspect', 'oci:image:v9');
    refused(7, 'PK4002', 'inspect', 'oci:nothing:v1');
    refused(2, 'PK4005', 'inspect', 'alpine');
    refused(2, 'PK4005', 'tag', 'oci:image:v1', 'no tag');
    refused(2, 'PK1001', 'tag', 'oci:image:v1');
    refused(2, 'PK1001', 'copy', 'oci:image:v1');
    refused(2, 'PK4005', 'copy', 'docker-daemon:a', 'oci:b');
    refused(2, 'PK1004', 'tag', 'oci-archive:image.tar', 'v2');
  });

  test('a registry that cannot be reached is status 5', () => {
    expect(refused(5, 'PK4033', 'inspect', '127.0.0.1:1/a/b:v1')).toContain('127.0.0.1:1');
  });
});

if (noRegistry !== undefined) test('with a registry', ({ skip }) => skip(noRegistry));

describe.skipIf(noRegistry !== undefined)('with a registry', () => {
  let registry: DockerRegistry;
  beforeAll(async () => {
    registry = await startDockerRegistry();
  });
  afterAll(() => registry?.[Symbol.asyncDispose]());

  test('an artifact of a family goes and comes, with its content', () => {
    mkdirSync(at('content/sub'), { recursive: true });
    writeFileSync(at('content/sub/file'), 'text');
    writeFileSync(
      at('files.yaml'),
      'apiVersion: v1\nkind: FileSet\nmetadata: { name: demo }\nspec: { mount: { path: /data } }\n',
    );
    const reference = `${registry.host}/filesets/demo:v1`;
    const pushed = said('push', 'files.yaml', reference, '--content', 'content');
    expect(pushed).toMatch(/^127\.0\.0\.1:\d+\/filesets\/demo:v1@sha256:[0-9a-f]{64}: \d+ bytes \+ 1 layer$/);
    expect(said('push', 'files.yaml', reference, '--content', 'content')).toBe(pushed);
    const config = { apiVersion: 'v1', kind: 'FileSet', metadata: { name: 'demo' }, spec: { mount: { path: '/data' } } };
    expect(JSON.parse(said('pull', reference))).toEqual(config);
    said('pull', reference, '-o', 'one.json');
    expect(JSON.parse(readFileSync(at('one.json'), 'utf8'))).toEqual(config);
    mkdirSync(at('all'));
    said('pull', reference, '-o', 'all');
    refused(2, 'PK4005', 'pull', 'oci:all:v1');
    const [json, layer = ''] = readdirSync(at('all')).toSorted((a, b) => (a < b ? -1 : 1));
    expect(json).toBe('config.json');
    const listed = spawnSync('tar', ['-tzf', at(join('all', layer))], { encoding: 'utf8' });
    expect(listed.stdout.split('\n')).toContain('sub/file');
    expect(inspected(reference)).toMatchObject({ kind: 'fileset artifact' });
    refused(2, 'PK4004', 'push', 'files.yaml', `${registry.host}/agents/demo:v1`);
    refused(2, 'PK1001', 'push', 'files.yaml', `${registry.host}/other/demo:v1`);
    refused(2, 'PK4005', 'push', 'files.yaml', `${registry.host}/filesets/demo@sha256:${'0'.repeat(64)}`);
    expect(said('push', 'files.yaml', `${registry.host}/other/demo:v1`, '--family', 'fileset')).toContain('bytes');
  });

  test('an image goes from a layout to the registry, from there to the store, and on', async () => {
    const { index } = await layout();
    const reference = `${registry.host}/images/demo:v1`;
    expect(said('push', 'oci:image:v1', reference)).toBe(`${reference}@${index.digest}`);
    expect(said('pull', reference)).toBe(`${reference}@${index.digest}`);
    expect(said('push', reference, `${registry.host}/images/other:v2`)).toBe(`${registry.host}/images/other:v2@${index.digest}`);
    expect(inspected(`${registry.host}/images/other:v2`).digest).toBe(index.digest);
    refused(2, 'PK4004', 'pull', reference, '-o', 'file');
    refused(1, 'PK4001', 'push', `${registry.host}/images/never:v1`, `${registry.host}/images/other:v3`);
    refused(1, 'PK4001', 'pull', `${registry.host}/images/demo:v9`);
  });

  test('copies go between repositories and layouts with what refers to them', async () => {
    const { index, signature, sbom } = await layout();
    const [first, second] = ['copies/first:v1', 'copies/second:v2'].map((name) => `${registry.host}/${name}`) as [string, string];
    expect(said('copy', 'oci:image:v1', first, '--referrers')).toBe(`${first}@${index.digest}`);
    expect(said('copy', first, second, '--referrers')).toBe(`${second}@${index.digest}`);
    expect(said('copy', second, 'oci:back', '--referrers')).toBe(`oci:back:v2@${index.digest}`);
    expect(said('copy', second, 'oci-archive:back.tar')).toBe(`oci-archive:back.tar:v2@${index.digest}`);
    for (const place of [second, 'oci:back:v2']) {
      const found = JSON.parse(said('referrers', place, '--json'));
      expect(found.referrers).toMatchObject([{ descriptor: { digest: signature.digest } }]);
    }
    expect(existsSync(at(`back/blobs/sha256/${sbom.digest.slice(7)}`))).toBe(true);
    const [, ...tags] = said('tag', second, 'latest', 'stable').split('@');
    expect(tags).toHaveLength(2);
    expect(inspected(`${registry.host}/copies/second:stable`).digest).toBe(index.digest);
    const third = `${registry.host}/copies/third:v3`;
    expect(said('copy', 'oci-archive:back.tar', third)).toBe(`${third}@${index.digest}`);
    const json = JSON.parse(said('copy', first, second, '--json'));
    expect(json).toMatchObject({ version: 1, from: first, to: second, digest: index.digest });
  });

  test('several files need a folder, which is made', async () => {
    const target = folderTarget(at('several'));
    await put(target, emptyBlob);
    const layers = ['a', 'b'].map((name) => {
      const bytes = Buffer.from(name);
      return { descriptor: { ...describeBlob(bytes, 'text/plain'), annotations: { [title]: name } }, bytes };
    });
    for (const layer of layers) await put(target, layer);
    const manifest = produceManifest({ artifactType: 'a/b', layers: layers.map(({ descriptor }) => descriptor) });
    await target.tag(await put(target, manifest), 'v1', signal);
    const reference = `${registry.host}/several/files:v1`;
    said('push', 'oci:several:v1', reference);
    refused(2, 'PK1001', 'pull', reference);
    writeFileSync(at('taken'), '');
    refused(2, 'PK1001', 'pull', reference, '-o', 'taken');
    said('pull', reference, '-o', 'made');
    expect(readdirSync(at('made')).toSorted()).toEqual(['a', 'b']);
  });

  test('files with names that lead elsewhere are refused, and nothing is written', async () => {
    const target = folderTarget(at('hostile'));
    await put(target, emptyBlob);
    for (const [tag, name] of [
      ['up', '../evil'],
      ['root', '/tmp/evil'],
      ['hidden', '.ssh'],
      ['escape', 'a\u001B[31m'],
    ] as const) {
      const bytes = Buffer.from(name);
      const layer = { ...describeBlob(bytes, 'text/plain'), annotations: { [title]: name } };
      await put(target, { descriptor: layer, bytes });
      await target.tag(await put(target, produceManifest({ artifactType: 'a/b', layers: [layer] })), tag, signal);
      const reference = `${registry.host}/hostile/a:${tag}`;
      said('push', `oci:hostile:${tag}`, reference);
      mkdirSync(at('into'), { recursive: true });
      expect(refused(7, 'PK4002', 'pull', reference, '-o', 'into')).not.toContain('\u001B');
      expect(readdirSync(at('into'))).toEqual([]);
    }
    expect(existsSync(at('evil'))).toBe(false);
  });

  test('results of a build go to a repository', async () => {
    const { index } = await layout();
    writeFileSync(at('portkit.toml'), '[steps.image]\nlocal = "image"\n[targets]\ndefault = "step:image"\n');
    const reference = `${registry.host}/built/demo:v1`;
    const built = portkit('build', '--quiet', '--output', `type=oci-registry,name=${reference}`);
    expect(built).toMatchObject({ status: 0 });
    expect(inspected(reference).digest).toBe(index.digest);
    const away = portkit('build', '--quiet', '--output', 'type=oci-registry,name=127.0.0.1:1/built/demo:v1');
    expect(away).toMatchObject({ status: 5, stderr: expect.stringContaining('PK4033') });
  });

  describe('an image step', () => {
    const build = (...args: readonly string[]) => portkit('build', '--quiet', '--output', 'type=local,dest=out', ...args);
    const define = (image: string) => writeFileSync(at('portkit.toml'), `[steps.base]\nimage = ${image}\n`);

    test('takes an image by its digest, and asks nobody when it is there already', async () => {
      const { index } = await layout();
      const reference = `${registry.host}/bases/pinned:v1`;
      said('push', 'oci:image:v1', reference);
      define(`{ reference = "${reference}@${index.digest}", platform = "linux/arm64", transport = "plain-http" }`);
      expect(build()).toMatchObject({ status: 0, stderr: '' });
      expect(readFileSync(at('out/a'), 'utf8')).toBe('arm64');
      const elsewhere = reference.replace(registry.host, '127.0.0.1:1');
      define(`{ reference = "${elsewhere}", digest = "${index.digest}", platform = "linux/arm64" }`);
      expect(build()).toMatchObject({ status: 0, stderr: '' });
      define(`{ reference = "${elsewhere}", digest = "${index.digest}", platform = "linux/amd64" }`);
      expect(build()).toMatchObject({ status: 5, stderr: expect.stringContaining('PK4033') });
    });

    test('is pinned by the lock, and stays what it was when the tag moves', async () => {
      const { index, manifests } = await layout();
      const reference = `${registry.host}/bases/moving:v1`;
      said('push', 'oci:image:v1', reference);
      define(`{ reference = "${reference}", platform = "linux/amd64" }`);
      expect(build('--locked')).toMatchObject({ stderr: expect.stringContaining('PK3205') });
      const open = build();
      expect(open).toMatchObject({ status: 1, stderr: expect.stringContaining(`digest = "${index.digest}"`) });
      expect(build('--update')).toMatchObject({ status: 0, stderr: '' });
      expect(JSON.parse(readFileSync(at('portkit.lock'), 'utf8')).pins).toEqual({ [`image:${reference}`]: index.digest });
      said('copy', 'oci:image:v1', reference, '--platform', 'linux/amd64');
      rmSync(at('store'), { recursive: true });
      expect(build('--locked')).toMatchObject({ status: 0, stderr: '' });
      expect(readFileSync(at('out/a'), 'utf8')).toBe('amd64');
      const moved = portkit('update', '--quiet');
      expect(moved).toMatchObject({ status: 0, stderr: '' });
      expect(moved.stdout).toBe(`base: image:${reference}: ${index.digest} → ${manifests[0]?.digest}\n`);
      expect(build('--locked')).toMatchObject({ status: 0, stderr: '' });
    });
  });
});

describe.skipIf(noRegistry !== undefined)('with a registry that asks who is there', () => {
  test('who does not say it gets status 6, and who is known to Docker gets in', async () => {
    await using registry = await startDockerRegistry(htpasswd);
    const { index } = await layout();
    const reference = `${registry.host}/private/demo:v1`;
    expect(refused(6, 'PK4030', 'push', 'oci:image:v1', reference, '--quiet')).toContain(registry.host);
    refused(6, 'PK4030', 'inspect', reference);
    const login = (password: string): void => {
      const auths = { [registry.host]: { auth: Buffer.from(`user:${password}`).toString('base64') } };
      mkdirSync(at('.docker'), { recursive: true });
      writeFileSync(at('.docker/config.json'), JSON.stringify({ auths }));
    };
    login('not-this-one');
    expect(refused(6, 'PK4030', 'pull', reference)).not.toContain('not-this-one');
    login('password');
    expect(said('push', 'oci:image:v1', reference)).toBe(`${reference}@${index.digest}`);
    expect(said('pull', reference)).toBe(`${reference}@${index.digest}`);
  });
});
