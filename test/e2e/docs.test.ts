import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { canary } from '../oci/asking.ts';
import { noRegistry, oneUser, startDockerRegistry } from '../interop/docker-registry.ts';
import type { DockerRegistry } from '../interop/docker-registry.ts';
import { program } from './image-cli.ts';

const checkout = join(import.meta.dirname, '../..');
let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'portkit-docs-'));
  return () => rmSync(folder, { recursive: true, force: true });
});

function place(path: string, text: string): void {
  const file = join(folder, path);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, text);
}

/** A line of a document as a shell runs it in the folder of a user. */
function shell(line: string) {
  const env = {
    PATH: process.env['PATH'],
    HOME: join(folder, 'home'),
    PORTKIT_NODE: process.execPath,
    PORTKIT_SCRATCH: join('/var/tmp', `portkit-test-${process.pid}`),
  };
  const functions = `portkit() { sh '${program}' "$@"; }\n`;
  const { status, stdout, stderr } = spawnSync('sh', ['-c', functions + line], { encoding: 'utf8', env, cwd: folder });
  return { line, status, stdout, stderr };
}

interface Block {
  readonly page: string;
  readonly language: string;
  readonly text: string;
}

const blocks = ['oci.md', 'exporters.md', 'postprocessors.md', 'logins.md'].flatMap((page): readonly Block[] =>
  [...readFileSync(join(checkout, 'docs', page), 'utf8').matchAll(/^```(\w*)\n(.*?)^```$/gms)].map(
    ([, language = '', text = '']) => ({ page, language, text }),
  ),
);

/** Every block: some words that only it has, and what does what it says. */
const claims: readonly (readonly [page: string, words: string, doneBy: string])[] = [
  ['oci.md', '$ portkit push files.yaml', 'here'],
  ['oci.md', '[steps.pinned]', 'here'],
  ['oci.md', '[artifacts.kernels.demo-kernel.reference]', 'here'],
  ['exporters.md', 'PluginOptions): Exporter { … }', 'nothing: it is a signature, which the example has'],
  ['oci.md', 'layout gc build/image', 'here'],
  ['exporters.md', '"exports": [', 'test/e2e/several-exporters.test.ts'],
  ['exporters.md', 'type=plugin', 'here'],
  ['exporters.md', 'exporterConformance((', 'here'],
  ['postprocessors.md', 'config_type', 'test/e2e/postprocess.test.ts'],
  ['postprocessors.md', 'family =', 'test/e2e/postprocess.test.ts'],
  ['postprocessors.md', 'containerimage.artifact.layers', 'test/e2e/postprocess.test.ts'],
  ['postprocessors.md', 'format = "spdx", name', 'test/e2e/postprocess.test.ts'],
  ['postprocessors.md', 'attach = "step:pack"', 'test/e2e/postprocess.test.ts'],
  ['postprocessors.md', 'predicate_types', 'test/e2e/postprocess.test.ts'],
  ['postprocessors.md', 'rewrite_timestamps = {', 'test/e2e/postprocess.test.ts'],
  ['postprocessors.md', '"qcow2"', 'test/e2e/postprocess.test.ts'],
  ['postprocessors.md', '[matrix]', 'test/e2e/postprocess.test.ts'],
  ['postprocessors.md', 'portkit sbom', 'test/e2e/attest.test.ts'],
  // examples/postprocessors has these as they are, which external.test.ts compares and runs.
  ['postprocessors.md', 'to-iso.py', 'test/e2e/external.test.ts'],
  ['postprocessors.md', 'external = { postprocessor', 'test/e2e/external.test.ts'],
  ['postprocessors.md', 'Attaches a page', 'test/e2e/external.test.ts'],
  ['postprocessors.md', 'deploy.py', 'test/e2e/external.test.ts'],
  ['postprocessors.md', '"manifests":[…]', 'nothing: it is the form of a line'],
  ['logins.md', '$ portkit login', 'here'],
];

function block(words: string): string {
  const found = blocks.find(({ text }) => text.includes(words));
  if (found === undefined) throw new Error(`No block has ${words}`);
  return found.text;
}

/** The commands of a block after `$ `, each with the lines that it prints; comments are left out. */
function commandsOf(text: string): readonly { readonly line: string; readonly printed: string }[] {
  return text
    .split(/^\$ /m)
    .slice(1)
    .map((part) => {
      const [line = '', ...printed] = part.trimEnd().split('\n');
      return { line: line.replace(/\s+# .*/, ''), printed: printed.join('\n') };
    });
}

test('every block of the pages is claimed once', () => {
  const of = (page: string, text: string) => claims.filter(([where, words]) => where === page && text.includes(words));
  expect(blocks.map(({ page, text }) => [page, text, of(page, text).length])).toEqual(
    blocks.map(({ page, text }) => [page, text, 1]),
  );
  expect(blocks).toHaveLength(claims.length);
  for (const [page, , doneBy] of claims) {
    if (doneBy.startsWith('test/')) expect(readFileSync(join(checkout, doneBy), 'utf8')).toContain(`docs/${page}`);
  }
});

test('definitions about registries are understood', () => {
  mkdirSync(join(folder, 'home'));
  place('portkit.toml', block('[steps.pinned]').replace('sha256:…', `sha256:${'a'.repeat(64)}`));
  expect(shell('portkit check')).toMatchObject({ status: 0 });
  const variant =
    'path = "vmlinux"\nselector = { architecture = "x86_64", substrate = "firecracker", protection_mode = "standard" }';
  const words = '[artifacts.kernels.demo-kernel.reference]';
  place('portkit.toml', `${block(words)}\n[[artifacts.kernels.demo-kernel.variants]]\n${variant}\n`);
  expect(shell('portkit artifacts list')).toMatchObject({ status: 0, stdout: expect.stringContaining('demo-kernel') });
});

test('a layout is looked after as the page says', () => {
  mkdirSync(join(folder, 'home'));
  place('kernel/vmlinux', 'a kernel');
  place('portkit.toml', block('family ='));
  mkdirSync(join(folder, 'build'));
  for (const content of ['hello', 'hello again']) {
    place('rootfs/motd', content);
    expect(shell('portkit build pack --output type=oci-layout,dest=build/image,name=v1')).toMatchObject({ status: 0 });
  }
  const words = (text: string) => text.replaceAll(/\d+(?:\.\d+)?|[0-9a-f]{64}|…/g, '0').replaceAll(/ [KM]?i?B/g, ' B');
  const [gc, verify] = commandsOf(block('layout gc build/image'));
  const collected = shell(`${gc?.line} --untagged --keep 0s`);
  expect(collected).toMatchObject({ status: 0 });
  expect(words(collected.stdout).trimEnd().split('\n').at(-1)).toBe(
    words(gc?.printed ?? '')
      .split('\n')
      .at(-1),
  );
  const verified = shell(verify?.line ?? '');
  expect([verified.status, words(verified.stdout).trimEnd()]).toEqual([0, words(verify?.printed ?? '')]);
});

test('the example of an exporter writes what it says', () => {
  symlinkSync(join(checkout, 'examples'), join(folder, 'examples'));
  expect(shell(block('type=plugin'))).toMatchObject({ status: 0, stderr: expect.stringMatching(/^example .*\/out: /m) });
  expect(readdirSync(join(folder, 'out')).toSorted()).toEqual(['blobs', 'index.json', 'oci-layout']);
});

test('the example of conformance runs as it is', () => {
  mkdirSync(join(folder, 'node_modules'));
  symlinkSync(checkout, join(folder, 'node_modules/portkit'));
  cpSync(join(checkout, 'examples/exporter-plugin/index.ts'), join(folder, 'index.ts'));
  const contentsOf = `import { existsSync, readdirSync, readFileSync } from 'node:fs';
function contentsOf(folder: string): string {
  if (!existsSync(folder)) return '';
  const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((one) => one.isFile());
  return files.map(({ parentPath, name }) => name + readFileSync(join(parentPath, name), 'latin1')).join();
}
`;
  place('suite.ts', contentsOf + block('exporterConformance(('));
  const { stdout, status } = spawnSync(process.execPath, ['--test', '--test-reporter=tap', 'suite.ts'], {
    cwd: folder,
    encoding: 'utf8',
  });
  expect(stdout).toMatch(/^# pass 18$/m);
  expect(status).toBe(0);
});

describe.skipIf(noRegistry !== undefined)('at a registry', () => {
  let registry: DockerRegistry;

  afterAll(() => registry[Symbol.asyncDispose]());

  beforeAll(async () => {
    registry = await startDockerRegistry(oneUser);
  });

  /** Runs the commands of a block, and compares what they print, but for digests and the widths of columns. */
  function follow(text: string): void {
    const plain = (output: string) =>
      output
        .replaceAll(/sha256:[0-9a-f]{64}/g, 'sha256:…')
        .replaceAll(/ +/g, ' ')
        .trimEnd();
    for (const { line, printed } of commandsOf(text)) {
      const ran = shell(line);
      expect(ran).toMatchObject({ status: 0 });
      if (printed !== '') expect([line, plain(ran.stdout)]).toEqual([line, plain(printed)]);
    }
  }

  function logIn(): void {
    place(
      'home/.docker/config.json',
      JSON.stringify({ auths: { [registry.host]: { auth: Buffer.from(`me:${canary}`).toString('base64') } } }),
    );
  }

  test('the commands push, pull and copy', () => {
    logIn();
    place('kernel/vmlinux', 'a kernel');
    place('rootfs/motd', 'hello');
    place('portkit.toml', block('family ='));
    for (const output of [`type=oci-registry,name=${registry.host}/app:1`, 'type=oci-layout,dest=build/image,name=v1']) {
      mkdirSync(join(folder, 'build'), { recursive: true });
      expect(shell(`portkit build pack --output ${output}`)).toMatchObject({ status: 0 });
    }
    // 68 bytes, as the page says.
    place('files.yaml', `name: demo\nversion: "1"\nabout: ${'x'.repeat(28)}\n`);
    place('data/a.txt', 'a');
    follow(block('$ portkit push').replaceAll('registry.example.org', registry.host));
    expect(readdirSync(join(folder, 'here'))).toHaveLength(2);
    expect(shell('portkit inspect oci-archive:app.tar')).toMatchObject({ status: 0 });
  });

  test('logging in, listing and logging out', () => {
    place('token', `${canary}\n`);
    place('home/.docker/config.json', JSON.stringify({ auths: { 'quay.io': { auth: Buffer.from('me:x').toString('base64') } } }));
    const text = block('$ portkit login').replaceAll('/home/me', join(folder, 'home'));
    follow(text.replaceAll('ghcr.io', registry.host));
  });
});
