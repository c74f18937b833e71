import { spawnSync } from 'node:child_process';
import { generateKeyPairSync } from 'node:crypto';
import { mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

let folder: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'portkit-postprocess-'));
  place('rootfs/var/lib/dpkg/status', 'Package: bash\nStatus: install ok installed\nVersion: 5.2\nArchitecture: amd64\n');
  place('rootfs/etc/os-release', 'ID=debian\nVERSION_ID="12"\n');
  place('kernel/vmlinux', 'a kernel');
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

function place(path: string, text: string): string {
  const file = join(folder, path);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, text);
  for (const name of [file, dirname(file)]) utimesSync(name, 1_800_000_000, 1_800_000_000);
  return file;
}

function build(definition: string, ...args: readonly string[]) {
  const env = {
    ...process.env,
    PORTKIT_ROOT: join(folder, 'store'),
    PORTKIT_SCRATCH: join('/var/tmp', `portkit-test-${process.pid}`),
  };
  const file = place('portkit.toml', definition);
  const made = spawnSync('sh', ['bin/portkit', 'build', '--file', file, ...args], { encoding: 'utf8', env });
  expect(made.stderr.split('\n').filter((line) => /PK\d{4}/.test(line))).toEqual([]);
  expect(made.status).toBe(0);
  return made.stdout;
}

function outputOf(definition: string, ...targets: readonly string[]): string {
  const out = mkdtempSync(join(folder, 'out-'));
  build(definition, ...targets, '--output', join(out, 'result'));
  return join(out, 'result');
}

function json(...path: readonly string[]): any {
  return JSON.parse(readFileSync(join(...path), 'utf8'));
}

/** A document of a layout folder. */
function documentOf(layout: string, { digest }: { readonly digest: string }): any {
  return json(layout, 'blobs/sha256', digest.slice('sha256:'.length));
}

const isHere = (tool: string): boolean => spawnSync(tool, ['--version']).status === 0;
// Those of programs are in examples/postprocessors, which external.test.ts builds.
const page = readFileSync('docs/postprocessors.md', 'utf8').replace(/### `external`[^]*(?=## Of artifacts)/, '');
const examples = [...page.matchAll(/^```toml\n(.*?)^```$/gms)].map(([, text = '']) => text);

/** The example that says this. */
function example(words: string): string {
  const [found, second] = examples.filter((text) => text.includes(words));
  if (found === undefined || second !== undefined) throw new Error(`Not one example has ${words}`);
  return found;
}

describe('an example of the page', () => {
  test('packs an artifact', () => {
    const layout = outputOf(example('config_type'), 'pack');
    const [named] = json(layout, 'index.json').manifests;
    expect(named).toMatchObject({
      annotations: { 'org.opencontainers.image.ref.name': 'v1' },
      platform: { architecture: 'amd64', os: 'linux' },
    });
    const manifest = documentOf(layout, named);
    expect(documentOf(layout, manifest.config)).toEqual({ cpus: 2, memory: '512MiB' });
    expect(readdirSync(join(layout, 'blobs/sha256'))).toHaveLength(4);
  });

  test('packs what skopeo copies as it is', ({ skip }) => {
    skip(!isHere('skopeo'), 'skopeo is not installed');
    const layout = outputOf(example('config_type'), 'pack');
    const args = ['--insecure-policy', 'copy', `oci:${layout}:v1`, `oci:${layout}-copy:v1`];
    expect(spawnSync('skopeo', args, { encoding: 'utf8' })).toMatchObject({ status: 0 });
    const digestOf = (folderOf: string) => json(folderOf, 'index.json').manifests[0].digest;
    expect(digestOf(`${layout}-copy`)).toBe(digestOf(layout));
  });

  test('packs several variants', () => {
    const layout = outputOf(example('family ='), 'pack');
    const index = documentOf(layout, json(layout, 'index.json').manifests[0]);
    expect(index.manifests.map((one: any) => one.platform.architecture)).toEqual(['amd64', 'arm64']);
  });

  test('packs what a tree says of itself', () => {
    const layout = outputOf(example('containerimage.artifact.layers'), 'pack');
    const manifest = documentOf(layout, json(layout, 'index.json').manifests[0]);
    expect(manifest.artifactType).toBe('application/vnd.cncf.model.manifest.v1+json');
    const blob = manifest.layers[0].digest.slice('sha256:'.length);
    expect(readFileSync(join(layout, 'blobs/sha256', blob), 'utf8')).toBe('weights');
  });

  test('tells what is in it', () => {
    const document = json(outputOf(example('format = "spdx", name'), 'bom'), 'bom');
    expect(document.packages.map(({ name }: any) => name)).toEqual(['demo', 'kernel', 'rootfs', 'bash', 'kernel', 'rootfs']);
  });

  test('attaches what is in it', () => {
    const layout = outputOf(example('attach = "step:pack"'), 'attested');
    const [main, referrer] = json(layout, 'index.json').manifests;
    expect(documentOf(layout, referrer)).toMatchObject({
      artifactType: 'application/vnd.cyclonedx+json',
      subject: { digest: main.digest },
    });
  });

  test('says how it was made, signs that, and lets it through', () => {
    const { privateKey, publicKey } = generateKeyPairSync('ed25519', {
      privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
      publicKeyEncoding: { type: 'spki', format: 'pem' },
    });
    place('signing.pub', publicKey);
    const secret = `signing=${place('signing.pem', privateKey)}`;
    const out = join(mkdtempSync(join(folder, 'out-')), 'result');
    build(example('predicate_types'), 'release', '--secret', secret, '--output', out);
    expect(
      json(out, 'index.json')
        .manifests.map(({ artifactType }: any) => artifactType)
        .toSorted(),
    ).toEqual([
      'application/vnd.dev.sigstore.bundle.v0.3+json',
      'application/vnd.dev.sigstore.bundle.v0.3+json',
      'application/vnd.example.v1+json',
      'application/vnd.in-toto+json',
    ]);
  });

  test('rewrites times', () => {
    const first = build(example('rewrite_timestamps = {'), 'old', '--quiet');
    place('rootfs/etc/os-release', 'ID=debian\nVERSION_ID="12"\n');
    utimesSync(join(folder, 'rootfs/etc'), 1_900_000_000, 1_900_000_000);
    expect(build(example('rewrite_timestamps = {'), 'old', '--quiet')).toBe(first);
  });

  test('converts', () => {
    expect(readFileSync(join(outputOf(example('"qcow2"'), 'small'), 'small')).toString('hex', 0, 4)).toBe('28b52ffd');
  });

  test('converts to qcow2, always to the same bytes', ({ skip }) => {
    skip(!isHere('qemu-img'), 'qemu-img is not installed');
    const disk = readFileSync(join(outputOf(example('"qcow2"'), 'drive'), 'drive'));
    expect(disk.toString('latin1', 0, 4)).toBe('QFI\xfb');
    const first = build(example('"qcow2"'), 'drive', '--quiet');
    expect(build(example('"qcow2"'), 'drive', '--quiet', '--no-cache')).toBe(first);
  });

  test('converts to iso, always to the same bytes', ({ skip }) => {
    skip(!isHere('xorriso'), 'xorriso is not installed');
    const disc = readFileSync(join(outputOf(example('"iso"'), 'cd'), 'cd'));
    expect(disc.toString('latin1', 32769, 32774)).toBe('CD001');
    const first = build(example('"iso"'), 'cd', '--quiet');
    expect(build(example('"iso"'), 'cd', '--quiet', '--no-cache')).toBe(first);
  });

  test('works on an artifact with its variants', () => {
    const layout = outputOf(example('[[artifacts.guest_images.demo.postprocess]]'), 'demo.spdx');
    const [main, ...referrers] = json(layout, 'index.json').manifests;
    expect(documentOf(layout, main).manifests.map((one: any) => one.platform.architecture)).toEqual(['amd64', 'arm64']);
    expect(new Set(referrers.map((one: any) => one.artifactType))).toEqual(
      new Set(['application/spdx+json', 'application/vnd.cyclonedx+json']),
    );
    const bom = referrers.find((one: any) => one.artifactType === 'application/vnd.cyclonedx+json');
    const document = documentOf(layout, documentOf(layout, bom).layers[0]);
    expect(document.components.map(({ name }: any) => name)).toEqual([
      'root[aarch64]',
      'debian',
      'bash',
      'root[x86_64]',
      'debian',
      'bash',
      'rootfs',
    ]);
  });

  test('is each of them', () => expect(examples).toHaveLength(9));
});
