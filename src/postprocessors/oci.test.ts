import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { blob, bytesOf, context, createWorld, fileAt, output, run, show, signal, tree } from '../../test/ops/world.ts';
import type { Ref } from '../base/ref.ts';
import type { OciSpec } from '../graph/postprocess-ops.ts';
import { PortkitError } from '../base/errors.ts';
import type { FileWorld } from '../ops/input.ts';
import { mainManifest, pathOf } from './layout-tree.ts';
import { ociOp } from './oci.ts';
import { layerPath } from './oci/title.ts';

const artifactType = 'application/vnd.example.kernel.v1+json';

function of(spec: Omit<OciSpec, 'type'>, world: FileWorld): ReturnType<typeof ociOp> {
  return ociOp({ type: 'oci', ...spec }, world);
}

/** The manifest or index that a layout is about. */
async function mainOf(layout: Ref, { blobs }: FileWorld): Promise<{ readonly digest: string; readonly document: any }> {
  const { digest } = await mainManifest(layout.digest, { blobs, signal });
  return { digest, document: await documentAt(layout, digest, { blobs }) };
}

async function documentAt(layout: Ref, digest: string, { blobs }: FileWorld): Promise<any> {
  return JSON.parse((await fileAt({ blobs }, layout, pathOf(digest))).toString());
}

describe('an artifact', () => {
  test('is a layout of the blobs that are there, with one digest for ever', async () => {
    const world = createWorld();
    const [kernel, files] = [await blob(world, 'a kernel'), await tree(world, { 'etc/motd': 'hello' })];
    const layers = [
      { from: 0, name: './boot//vmlinux', mediaType: 'application/vnd.example.kernel.elf' },
      { from: 1, name: 'root.tar', annotations: { b: '2', a: '1' } },
    ];
    const variants = [{ layers, config: '{"cpus":1}', annotations: { own: 'x' } }];
    const layout = await output(of({ artifactType, variants, tag: 'v1', annotations: { a: 'y' } }, world), kernel, files);
    const { digest, document } = await mainOf(layout, world);
    expect(document).toEqual({
      schemaVersion: 2,
      mediaType: 'application/vnd.oci.image.manifest.v1+json',
      artifactType,
      config: expect.objectContaining({ mediaType: 'application/json', size: 10 }),
      layers: [
        {
          mediaType: 'application/vnd.example.kernel.elf',
          digest: kernel.digest,
          size: 8,
          annotations: { 'org.opencontainers.image.title': 'boot/vmlinux' },
        },
        expect.objectContaining({
          mediaType: 'application/vnd.oci.image.layer.v1.tar',
          annotations: { a: '1', b: '2', 'org.opencontainers.image.title': 'root.tar' },
        }),
      ],
      annotations: { a: 'y', own: 'x' },
    });
    expect(digest).toBe('sha256:63b5f3fe9b37b30343d00cb04669ac84707767f90d7694535e8b66fa9a37a1b5');
    const lines = await show(world, layout);
    expect(lines).toHaveLength(9);
    expect(lines.filter((line) => line.includes('"a kernel"'))).toEqual([`/${pathOf(kernel.digest)} file 0644 0:0 "a kernel"`]);
    expect(lines.at(-1)).toBe('/oci-layout file 0644 0:0 "{"imageLayoutVersion":"1.0.0"}"');
  });

  test('of several variants is an index with one manifest for each', async () => {
    const world = createWorld();
    const inputs = [await blob(world, 'for x86'), await blob(world, 'for arm')];
    const variants = ['amd64', 'arm64'].map((architecture, from) => ({
      layers: [{ from, name: 'vmlinux' }],
      platform: { os: 'linux', architecture },
      annotations: { 'org.example.mode': 'standard' },
    }));
    const layout = await output(of({ artifactType, variants, annotations: { all: 'yes' } }, world), ...inputs);
    const { digest, document } = await mainOf(layout, world);
    expect(document).toMatchObject({
      mediaType: 'application/vnd.oci.image.index.v1+json',
      artifactType,
      manifests: [
        { artifactType, platform: { architecture: 'amd64', os: 'linux' }, annotations: { 'org.example.mode': 'standard' } },
        { artifactType, platform: { architecture: 'arm64', os: 'linux' } },
      ],
      annotations: { all: 'yes' },
    });
    expect(digest).toBe('sha256:8a2753a2ef9344ad1cc39f2845a83c504783f1f0d22e70bce5abf36f6f73c768');
    const inner = await documentAt(layout, document.manifests[1].digest, world);
    expect(inner).toMatchObject({ layers: [{ digest: inputs[1]!.digest }], config: { size: 2 } });
    expect(inner.annotations).toEqual({ 'org.example.mode': 'standard' });
  });

  test('of a family has the types of the family', async () => {
    const world = createWorld();
    const [config, files] = [await blob(world, '{"kind":"FileSet"}'), await tree(world, { a: 'b' })];
    const variants = [{ layers: [{ from: 1, name: 'files', compress: 'gzip' as const }], configFrom: 0 }];
    const { document } = await mainOf(await output(of({ family: 'fileset', variants }, world), config, files), world);
    expect(document).toMatchObject({
      artifactType: 'application/vnd.lens.fileset.v1+json',
      config: { mediaType: 'application/vnd.lens.fileset.config.v1+json', digest: config.digest },
      layers: [{ mediaType: 'application/vnd.oci.image.layer.v1.tar+gzip' }],
    });
    const layer = bytesOf(world, { kind: 'blob', digest: document.layers[0].digest });
    expect(layer.subarray(0, 2).toString('hex')).toBe('1f8b');
  });

  test.each([
    ['has no type', { variants: [{ layers: [] }] }, 'PK4101'],
    ['is of no family', { family: 'kernel', variants: [{ layers: [] }] }, 'PK4101'],
    ['has other types than its family', { family: 'model', artifactType, variants: [{ layers: [] }] }, 'PK4101'],
    ['has a type that is none', { artifactType: 'kernel', variants: [{ layers: [] }] }, 'PK4101'],
    ['has a layer of no type', { artifactType, variants: [{ layers: [{ from: 0, name: 'a', mediaType: 'x y' }] }] }, 'PK4101'],
    [
      'has two layers of one name',
      {
        artifactType,
        variants: [
          {
            layers: [
              { from: 0, name: 'a' },
              { from: 0, name: './a' },
            ],
          },
        ],
      },
      'PK4101',
    ],
    [
      'compresses a file',
      { artifactType, variants: [{ layers: [{ from: 0, name: 'a', compress: 'zstd' as const }] }] },
      'PK4101',
    ],
    ['has a layer outside', { artifactType, variants: [{ layers: [{ from: 0, name: 'a/../../b' }] }] }, 'PK4102'],
    ['has a config that is no JSON', { artifactType, variants: [{ layers: [], config: '{"a":1,"a":2}' }] }, 'PK4002'],
    ['has a config file that is no JSON', { artifactType, variants: [{ layers: [], configFrom: 0 }] }, 'PK4002'],
    ['has a name that is no tag', { artifactType, variants: [{ layers: [] }], tag: 'a b' }, 'PK4101'],
  ])('that %s is refused', async (_, spec, code) => {
    const world = createWorld();
    const outcome = await run(of(spec, world), await blob(world, 'x'));
    expect(outcome).toEqual({ ok: false, failure: expect.objectContaining({ code }) });
  });

  test('tells everything that decides its bytes', async () => {
    const world = createWorld();
    const layer = { from: 0, name: 'a' };
    const variants = [{ layers: [layer] }];
    const specs: readonly Omit<OciSpec, 'type'>[] = [
      { variants },
      { variants, artifactType },
      { variants, family: 'model' },
      { variants, configType: artifactType },
      { variants, tag: 'b' },
      { variants, annotations: { a: 'b' } },
      { variants: [...variants, ...variants] },
      { variants: [{ layers: [layer], config: '{}' }] },
      { variants: [{ layers: [layer], configFrom: 0 }] },
      { variants: [{ layers: [layer], platform: { os: 'linux', architecture: 'arm64' } }] },
      { variants: [{ layers: [layer], annotations: { a: 'b' } }] },
      { variants: [{ layers: [{ ...layer, mediaType: 'a/b' }] }] },
      { variants: [{ layers: [{ ...layer, compress: 'zstd' }] }] },
      { variants: [{ layers: [{ ...layer, annotations: { a: 'b' } }] }] },
    ];
    const facts = specs.map((spec) => of(spec, world).facts(context));
    expect(new Set(facts.map((one) => JSON.stringify(one))).size).toBe(specs.length);
  });
});

describe("a tree with BuildKit's keys", () => {
  const said = {
    'containerimage.artifact': 'true',
    'containerimage.artifact.type': 'application/vnd.cncf.model.manifest.v1+json\n',
    'containerimage.artifact.config.mediatype': 'application/vnd.cncf.model.config.v1+json',
    'containerimage.artifact.layers': JSON.stringify([
      { path: './weights/model.bin', mediaType: 'application/vnd.cncf.model.weight.v1.raw', annotations: { a: 'b' } },
      { path: 'docs' },
    ]),
    'weights/model.bin': 'weights',
    'docs/README': 'read',
  };
  const from = (world: FileWorld): ReturnType<typeof ociOp> => of({ variants: [{ layers: [], from: 0 }] }, world);

  test('is the artifact that it says', async () => {
    const world = createWorld();
    const { document } = await mainOf(await output(from(world), await tree(world, said)), world);
    expect(document).toMatchObject({
      artifactType: 'application/vnd.cncf.model.manifest.v1+json',
      config: { mediaType: 'application/vnd.cncf.model.config.v1+json', size: 2 },
      layers: [
        {
          mediaType: 'application/vnd.cncf.model.weight.v1.raw',
          size: 7,
          annotations: { a: 'b', 'org.opencontainers.image.title': 'weights/model.bin' },
        },
        { mediaType: 'application/vnd.oci.image.layer.v1.tar', annotations: { 'org.opencontainers.image.title': 'docs' } },
      ],
    });
  });

  test.each([
    ['nothing', { 'containerimage.artifact': undefined }, 'PK4101'],
    ['no type of the config', { 'containerimage.artifact.config.mediatype': undefined }, 'PK4101'],
    ['layers that are no JSON', { 'containerimage.artifact.layers': '[' }, 'PK4002'],
    ['layers that are no list', { 'containerimage.artifact.layers': '{}' }, 'PK4101'],
    ['a layer that is no object', { 'containerimage.artifact.layers': '[1]' }, 'PK4101'],
    ['a layer without a path', { 'containerimage.artifact.layers': '[{}]' }, 'PK4101'],
    ['a layer that is not there', { 'containerimage.artifact.layers': '[{"path":"x"}]' }, 'PK4101'],
    ['a layer above', { 'containerimage.artifact.layers': '[{"path":"docs/../../etc/passwd"}]' }, 'PK4102'],
    ['an absolute layer', { 'containerimage.artifact.layers': '[{"path":"/docs"}]' }, 'PK4102'],
    ['annotations that are none', { 'containerimage.artifact.layers': '[{"path":"docs","annotations":{"a":1}}]' }, 'PK4101'],
  ])('that says %s is refused', async (_, change, code) => {
    const world = createWorld();
    const files = Object.fromEntries(Object.entries({ ...said, ...change }).filter(([, text]) => text !== undefined));
    const outcome = await run(from(world), await tree(world, files as Record<string, string>));
    expect(outcome).toEqual({ ok: false, failure: expect.objectContaining({ code }) });
  });
});

test('whatever a tree says of itself, it is packed or refused in our words', async () => {
  const piece = fc.oneof(
    fc.constantFrom('path', 'docs', './docs/', '../docs', '/docs', 'mediaType', 'a/b', 'annotations', '__proto__', null, 1, true),
    fc.string({ maxLength: 4 }),
  );
  const layer = fc.oneof(
    piece,
    fc.record(
      { path: piece, mediaType: piece, annotations: fc.oneof(piece, fc.dictionary(fc.string({ maxLength: 4 }), piece)) },
      { requiredKeys: ['path'] },
    ),
  );
  const seen = new Set<string>();
  await fc.assert(
    fc.asyncProperty(
      fc.oneof(
        fc.json(),
        fc.array(layer, { maxLength: 2 }).map((list) => JSON.stringify(list)),
      ),
      async (layers) => {
        const world = createWorld();
        const files = {
          'containerimage.artifact': '',
          'containerimage.artifact.config.mediatype': 'a/b',
          'containerimage.artifact.layers': layers,
          docs: 'read',
        };
        const outcome = await run(of({ variants: [{ layers: [], from: 0 }] }, world), await tree(world, files));
        seen.add(outcome.ok ? 'packed' : outcome.failure.code);
      },
    ),
    { numRuns: 400 },
  );
  expect(seen).toEqual(new Set(['packed', 'PK4101', 'PK4102']));
});

test('the path of a layer never leads out of where it is written', () => {
  const parts = fc.array(fc.constantFrom('a', '.', '..', '', 'b c', '\\', 'C:', '\0', 'é', '...'), { maxLength: 6 });
  let refused = 0;
  fc.assert(
    fc.property(parts, (names) => {
      try {
        const path = layerPath(names.join('/'));
        expect(path.split('/').every((name) => name !== '' && name !== '.' && name !== '..')).toBe(true);
        expect(path).not.toMatch(/^\/|[\\\0]/);
        expect(layerPath(path)).toBe(path);
      } catch (error) {
        if (!(error instanceof PortkitError)) throw error;
        expect(error.code).toBe('PK4102');
        refused += 1;
      }
    }),
    { numRuns: 500 },
  );
  expect(refused).toBeGreaterThan(50);
});
