import fc from 'fast-check';
import { expect, test } from 'vitest';
import { PortkitError } from '../../src/base/errors.ts';
import { problemsOf } from '../../src/graph/problem.ts';
import { toml } from './index.ts';

/** `make fuzz` asks for 10,000. */
const numRuns = Number(process.env['FUZZ_RUNS'] ?? 300);

const good = [
  `#:schema ../portkit.schema.json
include = ["other.toml"]
env = ["HOME"]
[vars]
version = "6.1"
[matrix]
architecture = ["x86_64", "aarch64"]
exclude = [{ architecture = "aarch64" }]
[steps.kernel]
fetch = { url = "https://example.org/\${version}-\${matrix.architecture}", sha256 = "${'ab'.repeat(32)}", max_size = "1GiB" }
[steps.agent]
exec = { argv = ["cc", "-o", "/out/a", "/in/src/main.c"], inputs = { src = "local:agent" }, timeout = "30s", env = { HOME = "\${env:HOME}" } }
[steps.rootfs-tree]
tree = [
  { copy = "step:agent", path = "a", to = "/usr/bin/a", mode = "0755" },
  { write = "/etc/passwd", text = """
root:x:0:0:root:/root:/bin/sh
""" },
]
[steps.all]
matrix = ["architecture"]
merge = ["step:rootfs-tree", 'step:kernel[x86_64]']
[targets]
rootfs = "step:all"
`,
  `[hosts.one]
since = 1979-05-27T07:32:00Z
[control_planes.demo]
endpoint = "http://127.0.0.1:7040"
[control_planes.demo.auth]
scheme = "bearer"
header = "authorization"
source = { kind = "env", variable = "TOKEN" }
[artifacts.guest_images.demo.reference]
registry = "demo-fs"
repository = "port/demo"
version = "v1"
[[artifacts.guest_images.demo.variants]]
path = "rootfs.ext4"
selector = { architecture = "x86_64", substrate = "firecracker", protection_mode = "standard" }
build = { step = "rootfs" }
[steps.rootfs]
archive.from = "step:base"
[steps."base"]
image = { reference = "example.org/a", layout = "oci" }
`,
];

const shards = [
  ...'[]{}"\'=.,#\\$\n\r\t \0'.split(''),
  '[[',
  ']]',
  '"""',
  "'''",
  '${',
  '$${',
  '${env:',
  '}',
  '= {',
  '[steps.',
  '[steps.kernel]\n',
  '"step:',
  '"local:',
  'step:all',
  '__proto__',
  'constructor',
  'a.b.c = 1\n',
  '1e999',
  'nan',
  '-1',
  '0x10',
  '99999999999999999999',
  'true',
  '1979-05-27',
  '\u{1f600}',
  '\ud800',
  '\u0000',
  '\ufeff',
  'include = ["portkit.toml"]\n',
  '[matrix]\n',
  'exclude = [{}]\n',
  'tree = [{}]\n',
  '[',
  '{'.repeat(100),
  '['.repeat(2000),
  'a.'.repeat(500),
  'x'.repeat(5000),
];

type Edit = { readonly at: number; readonly drop: number; readonly put: string };

const edit: fc.Arbitrary<Edit> = fc.record({
  at: fc.double({ min: 0, max: 1, noNaN: true }),
  drop: fc.oneof(fc.constant(0), fc.nat({ max: 3 }), fc.nat({ max: 200 })),
  put: fc.oneof(
    { weight: 4, arbitrary: fc.constantFrom(...shards) },
    { weight: 1, arbitrary: fc.string({ unit: 'binary', maxLength: 8 }) },
  ),
});

function mutate(text: string, edits: readonly Edit[]): string {
  return edits.reduce((now, { at, drop, put }) => {
    const start = Math.floor(at * now.length);
    return now.slice(0, start) + put + now.slice(start + drop);
  }, text);
}

test('whatever is done to a definition, it loads or is refused with a place', { timeout: 120_000 }, async () => {
  let refused = 0;
  await fc.assert(
    fc.asyncProperty(fc.constantFrom(...good), fc.array(edit, { minLength: 1, maxLength: 6 }), async (text, edits) => {
      const source = { text: mutate(text, edits), path: 'portkit.toml' };
      const read = (path: string): string | undefined => (path === 'other.toml' ? mutate(good[1]!, edits.slice(1)) : undefined);
      try {
        await toml.load(source, { set: {}, env: () => '/home', read, signal: new AbortController().signal });
      } catch (error) {
        refused += 1;
        if (!(error instanceof PortkitError)) throw error;
        const problems = problemsOf(error);
        expect(problems.length).toBeGreaterThan(0);
        for (const { location } of problems) {
          const lines = (location?.file === source.path ? source.text : (read('other.toml') ?? '')).split('\n');
          expect(location?.line).toBeGreaterThan(0);
          expect(location?.line).toBeLessThanOrEqual(lines.length);
          expect(location?.column).toBeGreaterThan(0);
        }
        // oxlint-disable-next-line no-control-regex -- these must not reach a terminal
        expect(error.message.replaceAll('\n', '')).not.toMatch(/[\0-\x1f\x7f-\x9f]/);
        expect(error.message).toContain(' --> ');
      }
    }),
    { numRuns },
  );
  expect(refused).toBeGreaterThan(numRuns / 4);
});
