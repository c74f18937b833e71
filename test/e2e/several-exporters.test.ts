import { existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test, vi } from 'vitest';
import { digestOf } from '../../src/base/digest.ts';
import { emptyShelves, smallRegistry } from '../oci/small-registry.ts';
import type { Shelves } from '../oci/small-registry.ts';
import { say, startServer } from '../oci/server.ts';
import type { TestServer } from '../oci/server.ts';
import { runHere } from './in-process.ts';

const definition = `
[steps.root]
tree = [{ write = "/motd", text = "hello" }]

[steps.pack]
oci = { artifact_type = "application/vnd.example.v1", layers = [{ name = "root", from = "step:root" }] }

[targets]
demo = "step:pack"
`;
const canary = 'canary-5b1f';
const plugin = join(process.cwd(), 'examples/exporter-plugin/index.ts');

let folder: string;
let shelves: Shelves;
let registry: TestServer;
/** Whether the registry still takes tags. */
let takesTags: boolean;
const at = (path: string): string => join(folder, path);

beforeAll(() => {
  for (const name of ['XDG_CONFIG_HOME', 'XDG_RUNTIME_DIR', 'DOCKER_CONFIG', 'REGISTRY_AUTH_FILE']) vi.stubEnv(name, undefined);
});
afterAll(() => void vi.unstubAllEnvs());
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'portkit-exporters-'));
  vi.stubEnv('HOME', folder);
  vi.stubEnv('PORTKIT_ROOT', at('store'));
  writeFileSync(at('portkit.toml'), definition);
  shelves = emptyShelves();
  takesTags = true;
  registry = await startServer(
    smallRegistry(shelves, (request, response) => {
      if (request.headers.authorization !== `Basic ${Buffer.from(`me:${canary}`).toString('base64')}`) {
        request.resume();
        say(response, 401, { 'www-authenticate': 'Basic realm="r"' });
        return true;
      }
      if (takesTags || request.method !== 'PUT' || request.url !== '/v2/r/manifests/v1') return false;
      request.resume();
      say(response, 403);
      return true;
    }),
  );
  mkdirSync(at('.docker'));
  const auths = { [registry.host]: { auth: Buffer.from(`me:${canary}`).toString('base64') } };
  writeFileSync(at('.docker/config.json'), JSON.stringify({ auths }));
});
afterEach(async () => {
  await registry[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true });
});

/** The outputs in the order of their receipts. */
const outputs = () => [
  `type=local,dest=${at('files')}`,
  `type=tar,dest=${at('files.tar')}`,
  `type=file-store,dest=${at('file-store')},name=registry.example.org/demo:v1`,
  `type=oci-layout,dest=${at('layout')},name=v1`,
  `type=oci-archive,dest=${at('layout.tar')},name=v1`,
  `type=plugin,from=${plugin},dest=${at('from-plugin')}`,
  `type=oci-registry,name=${registry.host}/r:v1`,
];

interface Built {
  readonly status: number;
  readonly said: string;
  /** What `--metadata-file` has. */
  readonly metadata: any;
}

async function build(...args: readonly string[]): Promise<Built> {
  const said: string[] = [];
  const all = ['build', '--file', at('portkit.toml'), '--quiet', '--metadata-file', at('metadata.json'), ...args];
  const status = await runHere(all, said);
  const metadata = existsSync(at('metadata.json')) ? JSON.parse(readFileSync(at('metadata.json'), 'utf8')) : undefined;
  expect(said.join('\n') + JSON.stringify(metadata)).not.toContain(canary);
  expect(said.join('\n') + JSON.stringify(metadata)).not.toContain(Buffer.from(`me:${canary}`).toString('base64'));
  return { status, said: said.join('\n'), metadata };
}

const withOutputs = (list: readonly string[]) => list.flatMap((output) => ['--output', output]);

test('all ways out at once, each with its receipt', async () => {
  const { status, said, metadata } = await build('--json', ...withOutputs(outputs()));
  expect({ status, said }).toMatchObject({ status: 0 });
  expect(JSON.parse(said)).toEqual(metadata);
  const { targets, exports } = metadata;
  const ref = targets.demo;
  expect(metadata.ok).toBe(true);
  expect(metadata).not.toHaveProperty('failedExport');
  const manifest = shelves.manifests.get('v1');
  const digest = digestOf(manifest?.bytes ?? '');
  const counts = { files: expect.any(Number), bytes: expect.any(Number) };
  const of = (type: string, destination: string, path: string, more = {}) => ({
    type,
    destination,
    exported: [{ target: 'demo', ref, path, ...counts, ...more }],
    written: expect.any(Number),
    unchanged: 0,
    warnings: [],
  });
  expect(exports).toEqual([
    of('local', at('files'), at('files')),
    of('tar', at('files.tar'), at('files.tar')),
    of('file-store', at('file-store'), expect.stringContaining(at('file-store/'))),
    of('oci-layout', at('layout'), `oci:${at('layout')}:v1`, { digest }),
    of('oci-archive', at('layout.tar'), `oci-archive:${at('layout.tar')}:v1`, { digest }),
    of('example', at('from-plugin'), at('from-plugin')),
    of('oci-registry', `${registry.host}/r`, `${registry.host}/r:v1@${digest}`, { digest }),
  ]);
  for (const { written } of exports) expect(written).toBeGreaterThan(0);
  for (const name of ['files', 'layout', 'from-plugin']) expect(existsSync(at(`${name}/index.json`))).toBe(true);
});

test('the receipt that docs/exporters.md shows is what is said', async () => {
  const { metadata } = await build(...withOutputs(outputs().slice(-1)));
  const shown = JSON.stringify(metadata.exports)
    .replaceAll(registry.host, 'registry.example.org')
    .replaceAll(/sha256:[0-9a-f]{64}/g, 'sha256:…')
    .replace(/"bytes":\d+/, '"bytes":3425');
  const docs = readFileSync('docs/exporters.md', 'utf8');
  const [, example = ''] = /```json\n([^]*?)```/.exec(docs) ?? [];
  expect(JSON.parse(`{${example}}`)).toEqual({ exports: JSON.parse(shown) });
});

test('one that fails at its last step: the receipts of the others are kept, and the failure is named', async () => {
  takesTags = false;
  const { status, said, metadata } = await build('--json', ...withOutputs(outputs()));
  const [json = '', error] = said.split(/\n(?=error\[)/);
  expect({ status, error }).toEqual({ status: 6, error: expect.stringContaining('error[PK4031]') });
  expect(error).toContain(`Written before that: local ${at('files')}, tar`);
  expect(JSON.parse(json)).toEqual(metadata);
  expect(metadata.ok).toBe(false);
  expect(metadata.targets).toHaveProperty('demo');
  expect(metadata.exports.map(({ type }: { type: string }) => type)).toEqual([
    'local',
    'tar',
    'file-store',
    'oci-layout',
    'oci-archive',
    'example',
  ]);
  expect(metadata.failedExport).toEqual({
    output: 7,
    code: 'PK4031',
    message: expect.stringContaining(registry.host),
    hint: expect.stringContaining('Written before that'),
  });
});

test('one that cannot begin: nothing is written anywhere, and the failure is named', async () => {
  rmSync(at('.docker'), { recursive: true });
  const list = outputs();
  const { status, said, metadata } = await build(...withOutputs([list.at(-1) ?? '', ...list.slice(0, -1)]));
  expect({ status, said }).toEqual({ status: 6, said: expect.stringMatching(/^error\[PK4030\]/) });
  expect(metadata).toMatchObject({ ok: false, exports: [], failedExport: { output: 1, code: 'PK4030' } });
  expect(readdirSync(folder).toSorted()).toEqual(['metadata.json', 'portkit.toml', 'store']);
});

test('a place for the metadata that cannot be written is told', async () => {
  expect(await runHere(['build', '--file', at('portkit.toml'), '-q', '--metadata-file', at('no/where.json')], [])).toBe(69);
  expect(await runHere(['build', '--file', at('portkit.toml'), '-q', '--metadata-file', folder], [])).toBe(69);
});
