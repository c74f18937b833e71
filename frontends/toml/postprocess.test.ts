import { describe, expect, test } from 'vitest';
import type { Graph } from '../../src/graph/graph.ts';
import { problemsOf } from '../../src/graph/problem.ts';
import { toml } from './index.ts';

async function load(text: string): Promise<Graph> {
  const context = { set: {}, env: () => undefined, read: () => undefined, signal: new AbortController().signal };
  return (await toml.load({ text, path: 'portkit.toml' }, context)).graph;
}

/** `CODE line:column message`, one for each problem. */
async function problems(text: string): Promise<readonly string[]> {
  const error = await load(text).catch((reason: unknown) => reason);
  return problemsOf(error).map(({ code, location, message }) => `${code} ${location?.line}:${location?.column} ${message}`);
}

/** Each step and what it works on. */
function wiring({ vertices }: Graph): readonly string[] {
  return vertices.map(({ name, inputs }) => `${name} <${inputs.map((input) => vertices[input.vertex]?.name).join(' ')}`);
}

function opOf({ vertices }: Graph, name: string): unknown {
  return vertices.find((vertex) => vertex.name === name)?.op;
}

describe('steps of postprocessing', () => {
  test('are told what they say', async () => {
    const graph = await load(`
[vars]
version = "1"
[steps.kernel]
local = "kernel"
[steps.pack.oci]
artifact_type = "application/vnd.example.v1+json"
config_type = "application/vnd.example.config.v1+json"
tag = "v\${version}"
annotations = { a = "b" }
platform = { os = "linux", architecture = "x86_64", variant = "v3" }
config = { name = "demo", nested = { b = 1, a = [true] } }
layers = [
  { name = "vmlinux", from = "step:kernel", media_type = "a/b", annotations = { v = "\${version}" } },
  { name = "root", from = "local:root", compress = "zstd" },
]
[steps.index]
oci = { family = "model", variants = [{ from = "step:kernel", config_from = "step:kernel", annotations = { c = "d" } }, {}] }
[steps.bom]
sbom = { of = { root = "local:root", kernel = "step:kernel" }, format = "spdx", name = "demo", attach = "step:pack" }
[steps.old]
rewrite_timestamps = { from = "local:root", latest = 1700000000 }
[steps.small]
convert = { from = "step:kernel", to = "zstd" }
[steps.drive]
convert = { from = "step:kernel", to = "qcow2" }
[steps.cd]
convert = { from = "local:root", to = "iso", volume = "DEMO" }
`);
    expect(opOf(graph, 'pack')).toEqual({
      type: 'oci',
      artifactType: 'application/vnd.example.v1+json',
      configType: 'application/vnd.example.config.v1+json',
      tag: 'v1',
      annotations: { a: 'b' },
      variants: [
        {
          platform: { os: 'linux', architecture: 'amd64', variant: 'v3' },
          config: '{"name":"demo","nested":{"a":[true],"b":1}}',
          layers: [
            { name: 'vmlinux', from: 0, mediaType: 'a/b', annotations: { v: '1' } },
            { name: 'root', from: 1, compress: 'zstd' },
          ],
        },
      ],
    });
    expect(opOf(graph, 'index')).toEqual({
      type: 'oci',
      family: 'model',
      variants: [{ layers: [], from: 0, configFrom: 0, annotations: { c: 'd' } }, { layers: [] }],
    });
    expect(opOf(graph, 'bom')).toEqual({ type: 'sbom', format: 'spdx', name: 'demo', names: ['kernel', 'root'], attach: 2 });
    expect(opOf(graph, 'old')).toEqual({ type: 'rewriteTimestamps', latest: 1_700_000_000 });
    expect(opOf(graph, 'small')).toEqual({ type: 'compress', format: 'zstd' });
    expect(opOf(graph, 'drive')).toMatchObject({ type: 'exec', argv: expect.arrayContaining(['qemu-img', '/in/image']) });
    expect(opOf(graph, 'cd')).toMatchObject({ type: 'exec', argv: expect.arrayContaining(['xorriso', 'DEMO', '/in/tree']) });
    expect(wiring(graph)).toEqual([
      'kernel <',
      'pack <kernel local:root',
      'index <kernel',
      'bom <kernel local:root pack',
      'old <local:root',
      'small <kernel',
      'drive <kernel',
      'cd <local:root',
      'local:root <',
    ]);
  });

  test('are refused where they stand', async () => {
    expect(
      await problems(`
[steps.a]
oci = { variants = [{ layers = [] }], layers = [], artifact_type = "a/b" }
[steps.b]
oci = { from = "local:x", layers = [] }
[steps.c]
oci = { config = { when = 1979-05-27 }, config_from = "local:x" }
[steps.d]
oci = { config = { much = inf } }
[steps.e]
sbom = { of = {}, format = "spdx" }
[steps.f]
sbom = { of = { a = "step:none" }, format = "spdx", attach = "step:nothing" }
[steps.g]
oci = { variants = [{ layers = [{ name = "a", from = "step:none" }] }] }
`),
    ).toEqual([
      'PK1103 3:48 steps.a.oci.layers: with variants, layers belongs to each of them',
      'PK1103 5:16 steps.b.oci.from: an artifact is made of layers, or from a tree that says its layers itself',
      'PK1103 7:18 steps.c.oci.config: JSON has no such value: a date',
      'PK1103 7:55 steps.c.oci.config_from: the config is either written here or comes from a step',
      'PK1103 9:18 steps.d.oci.config: JSON has no such value: the number Infinity',
      'PK1103 11:15 steps.e.sbom.of: a bill of materials tells of at least one step',
      'PK1104 13:21 steps.f.sbom.of.a: there is no step "none"',
      'PK1104 13:62 steps.f.sbom.attach: there is no step "nothing"',
      'PK1104 15:54 steps.g.oci.variants[0].layers[0].from: there is no step "none"',
    ]);
  });
});

const variant = (architecture: string) => `
[[artifacts.guest_images.guest.variants]]
path = "artifacts/${architecture}/rootfs.ext4"
selector = { architecture = "${architecture}", substrate = "firecracker", protection_mode = "standard" }
build = { step = "image", initrd = "initrd" }
`;

const artifact = `
[matrix]
architecture = ["x86_64", "aarch64"]
[steps.base]
fetch = { url = "https://example.org/\${matrix.architecture}.tar", sha256 = "${'a'.repeat(64)}" }
[steps.rootfs]
extract = { from = "step:base" }
[steps.image]
ext4 = { from = "step:rootfs" }
[steps.initrd]
cpio = { from = "local:initrd" }
[steps.notes]
tree = [{ write = "/NOTES", text = "for \${matrix.architecture}" }]
[artifacts.guest_images.guest]
reference = { registry = "demo", repository = "guest", version = "v1" }
`;

describe('the postprocessors of an artifact', () => {
  test('become a chain of steps, and each is a target', async () => {
    const graph = await load(`${artifact}${variant('x86_64')}${variant('aarch64')}
[targets]
rootfs = "step:rootfs"
[[artifacts.guest_images.guest.postprocess]]
name = "drive"
convert = { to = "qcow2" }
[[artifacts.guest_images.guest.postprocess]]
oci = { artifact_type = "application/vnd.example.guest.v1+json", layers = [{ name = "disk" }, { name = "notes", from = "step:notes" }] }
[[artifacts.guest_images.guest.postprocess]]
sbom = { format = "cyclonedx" }
[[artifacts.guest_images.guest.postprocess]]
name = "spdx"
sbom = { format = "spdx", of = { notes = "step:notes" } }
[[artifacts.guest_images.guest.postprocess]]
name = "file"
sbom = { format = "spdx", attach = false }
`);
    const labels = ['x86_64', 'aarch64'].map((architecture) => `${architecture}.firecracker.standard`);
    expect(wiring(graph).slice(-7, -1)).toEqual([
      `guest.drive.${labels[0]} <image[x86_64]`,
      `guest.drive.${labels[1]} <image[aarch64]`,
      `guest.oci <guest.drive.${labels[0]} notes[x86_64] guest.drive.${labels[1]} notes[aarch64]`,
      'guest.sbom <local:initrd rootfs[aarch64] rootfs[x86_64] guest.oci',
      'guest.spdx <notes[aarch64] notes[x86_64] guest.sbom',
      'guest.file <local:initrd rootfs[aarch64] rootfs[x86_64]',
    ]);
    expect(Object.keys(graph.targets)).toEqual([
      `guest.drive.${labels[0]}`,
      `guest.drive.${labels[1]}`,
      'guest.oci',
      'guest.sbom',
      'guest.spdx',
      'guest.file',
      'rootfs[x86_64]',
      'rootfs[aarch64]',
    ]);
    const annotations = { 'dev.portkit.protection-mode': 'standard', 'dev.portkit.substrate': 'firecracker' };
    expect(opOf(graph, 'guest.oci')).toEqual({
      type: 'oci',
      artifactType: 'application/vnd.example.guest.v1+json',
      variants: ['amd64', 'arm64'].map((architecture, at) => ({
        platform: { os: 'linux', architecture },
        layers: [
          { name: 'disk', from: 2 * at },
          { name: 'notes', from: 2 * at + 1 },
        ],
        annotations,
      })),
    });
    expect(opOf(graph, 'guest.sbom')).toEqual({
      type: 'sbom',
      format: 'cyclonedx',
      name: 'guest',
      names: ['initrd', 'rootfs[aarch64]', 'rootfs[x86_64]'],
      attach: 3,
      sources: ['aarch64', 'x86_64'].map((architecture) => ({
        name: `${architecture}.tar`,
        url: `https://example.org/${architecture}.tar`,
        digest: `sha256:${'a'.repeat(64)}`,
      })),
    });
    expect(graph.vertices.find(({ name }) => name === 'guest.oci')?.location).toMatchObject({ line: 32, column: 32 });
  });

  test('of one variant make one manifest, by default of its files', async () => {
    const graph = await load(`${artifact}${variant('aarch64')}
[[artifacts.guest_images.guest.postprocess]]
oci = { artifact_type = "a/b", annotations = { by = "me" } }
`);
    expect(wiring(graph)).toContain('guest.oci <image[aarch64] initrd');
    expect(opOf(graph, 'guest.oci')).toEqual({
      type: 'oci',
      artifactType: 'a/b',
      annotations: { by: 'me', 'dev.portkit.protection-mode': 'standard', 'dev.portkit.substrate': 'firecracker' },
      variants: [
        {
          platform: { os: 'linux', architecture: 'arm64' },
          layers: [
            { name: 'rootfs.ext4', from: 0 },
            { name: 'initrd.cpio.gz', from: 1 },
          ],
        },
      ],
    });
    expect(Object.keys(graph.targets)).toContain('guest.oci');
  });

  test('are refused where they stand', async () => {
    const table = '[[artifacts.guest_images.guest.postprocess]]\n';
    const text = `${artifact}${variant('x86_64')}[steps."guest.taken"]\nlocal = "."\n`;
    const at = text.split('\n').length;
    const after = (more: string) =>
      problems(text + more).then((all) => all.map((one) => one.replace(/ (\d+):/, (_, line) => ` ${Number(line) - at}:`)));
    const sbom = 'sbom = { format = "spdx", attach = true }\n';
    const told = [];
    for (const more of [
      table + sbom,
      `${table}sbom = { format = "spdx" }\n${table}oci = { family = "model" }\n`,
      table,
      `${table}name = "taken"\nconvert = { to = "zstd" }\n`,
      `${table}convert = { to = "zstd" }\noci = {}\n`,
      `${table}oci = { layers = [{ name = "a", from = "step:none" }] }\n`,
      `${table}oci = { annotations = { a = "\${matrix.architecture}" } }\n`,
      `${table}oci = { layer = 1 }\n`,
    ])
      told.push(...(await after(more)));
    expect(told).toEqual([
      'PK1103 1:36 artifacts.guest_images.guest.postprocess[0].sbom.attach: there is nothing to attach to: no postprocessor before this one makes an artifact',
      'PK1103 3:7 artifacts.guest_images.guest.postprocess[1].oci: package comes before attest',
      'PK1103 0:32 artifacts.guest_images.guest.postprocess[0]: the table does not say what is done',
      'PK1106 0:32 there are two steps named "guest.taken"',
      'PK1103 2:7 artifacts.guest_images.guest.postprocess[0].oci: one table is one postprocessor, not convert and oci',
      'PK1104 1:40 artifacts.guest_images.guest.postprocess[0].oci.layers[0].from: there is no step "none"',
      'PK1109 1:29 artifacts.guest_images.guest.postprocess[0].oci.annotations.a: there is no matrix axis "architecture" here',
      'PK1102 1:9 unknown key "layer" in artifacts.guest_images.guest.postprocess[0].oci',
    ]);
    const unbuilt = artifact.replace(
      '[artifacts',
      '[artifacts.kernels.k]\nreference = { registry = "demo", repository = "k", version = "v1" }\n[[artifacts.kernels.k.postprocess]]\noci = {}\n[artifacts',
    );
    expect(await problems(unbuilt)).toEqual([
      'PK1103 17:7 artifacts.kernels.k.postprocess[0].oci: there is nothing to work on: no variant of the artifact has a build',
    ]);
    expect(
      await after(
        `${table}oci = {}\n[[artifacts.guest_images.guest.variants]]\npath = "x"\nselector = { architecture = "aarch64", substrate = "avf", protection_mode = "standard" }\nbuild = { step = "none" }\n`,
      ),
    ).toEqual(['PK1104 5:18 artifacts.guest_images.guest.variants[1].build.step: there is no step "none"']);
  });
});

describe('programs of others', () => {
  const artifact = `
[steps.image]
archive = { from = "local:root" }
[artifacts.guest_images.demo]
reference = { registry = "demo", repository = "guests/demo", version = "v1" }
[[artifacts.guest_images.demo.variants]]
path = "artifacts/x86_64/rootfs.tar"
selector = { architecture = "x86_64", substrate = "firecracker", protection_mode = "standard" }
build = { step = "image" }
`;
  const table = (text: string): string => `[[artifacts.guest_images.demo.postprocess]]\n${text}\n`;
  const oci = table('oci = { artifact_type = "a/b" }');
  const post = table(
    'external = { argv = ["post"], inputs = { tools = "local:tools" }, options = { b = 1, a = 2 }, timeout = "5s" }',
  );
  const deploy = table('deploy = { argv = ["up"], network = true, secrets = [{ name = "key" }] }');
  const sign = table('sign = { key = "key" }');

  test('are told what they say; a deployment ends nothing but itself', async () => {
    const graph = await load(artifact + oci + post + deploy + table('name = "again"\ndeploy = { argv = ["up"] }'));
    expect(wiring(graph).slice(-5)).toEqual([
      'demo.external <demo.oci local:tools',
      'demo.deploy <demo.external',
      'demo.again <demo.external',
      'local:root <',
      'local:tools <',
    ]);
    expect(opOf(graph, 'demo.external')).toEqual({
      type: 'external',
      argv: ['post'],
      inputs: ['layout', 'tools'],
      root: 'host',
      options: '{"a":2,"b":1}',
      timeoutMs: 5000,
    });
    expect(opOf(graph, 'demo.deploy')).toEqual({
      type: 'deploy',
      argv: ['up'],
      inputs: ['layout'],
      root: 'host',
      network: true,
      secrets: [{ name: 'key' }],
    });
  });

  test('that are modules can be said in short', async () => {
    const graph = await load(
      artifact + oci + table('postprocessor = "./a.ts"') + table('name = "b"\nexternal = { postprocessor = "./a.ts" }'),
    );
    expect(wiring(graph).slice(-4, -2)).toEqual([
      'demo.postprocessor <demo.oci local:a.ts',
      'demo.b <demo.postprocessor local:a.ts',
    ]);
    expect(opOf(graph, 'demo.postprocessor')).toEqual(opOf(graph, 'demo.b'));
  });

  test('that are modules are inputs of their steps', async () => {
    const [file, module] = [
      'external = { from = "local:l", postprocessor = "./a/../b.ts" }',
      'external = { from = "local:l", postprocessor = "@me/x/y" }',
    ];
    const graph = await load(`[steps.a]\n${file}\n[steps.b]\n${module}\n`);
    expect(wiring(graph).slice(0, 2)).toEqual(['a <local:l local:b.ts', 'b <local:l local:node_modules/@me/x']);
    expect(opOf(graph, 'b')).toMatchObject({ argv: [], module: '@me/x/y', inputs: ['layout', 'module'] });
  });

  test.each([
    ['before there is an artifact', artifact + post, 'there is no artifact'],
    [
      'before the package that they work on',
      artifact + oci + post + table('name = "more"\nconvert = { to = "zstd" }'),
      'convert comes before package',
    ],
    ['after what is deployed', artifact + oci + deploy + post, 'sign comes before sink'],
    ['neither program nor module', artifact + oci + table('external = { options = {} }'), 'either argv or postprocessor'],
    ['both', artifact + oci + table('external = { argv = ["a"], postprocessor = "./b.ts" }'), 'either argv or postprocessor'],
    [
      'a module in a root',
      artifact + oci + table('external = { postprocessor = "./b.ts", root = "step:image" }'),
      'the programs of the host',
    ],
    [
      'an input of the protocol',
      artifact + oci + table('deploy = { argv = ["a"], inputs = { layout = "step:image" } }'),
      'belongs to the protocol',
    ],
    ['options that are no JSON', artifact + oci + table('external = { argv = ["a"], options = { at = 2020-01-01 } }'), 'a date'],
    ['a deployment without a command', artifact + oci + table('deploy = { network = true }'), 'argv'],
    [
      'what uses a deployment',
      artifact + oci + deploy + '[steps.x]\nmerge = ["step:demo.deploy"]\n',
      'deploys and has no result',
    ],
  ])('are refused: %s', async (_, text, message) => {
    expect((await problems(text)).join('\n')).toContain(message);
  });

  test('may stand after what is signed', async () => {
    expect(await problems(artifact + oci + sign + post + deploy)).toEqual([]);
  });
});
