import { execFileSync, spawnSync } from 'node:child_process';
import { globSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

let folder: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'portkit-examples-'));
  writeFileSync(join(folder, 'token'), 's3cret\n');
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

function build(definition: string, ...args: readonly string[]) {
  const env = {
    ...process.env,
    PORTKIT_ROOT: join(folder, 'store'),
    PORTKIT_SCRATCH: join('/var/tmp', `portkit-test-${process.pid}`),
  };
  return spawnSync('sh', ['bin/portkit', 'build', '--file', definition, ...args], { encoding: 'utf8', env });
}

/** Why an example cannot be built here. */
function hindrance(example: string, expected: Readonly<Record<string, string>>): string | undefined {
  if (example === 'c-agent') {
    const compiler = spawnSync('cc', ['--version'], { encoding: 'utf8' }).stdout?.split('\n')[0];
    if (compiler !== expected['compiler']) return `the compiler here is ${compiler ?? 'missing'}, not ${expected['compiler']}`;
  }
  if (example === 'postprocessors') {
    if (spawnSync('python3', ['--version']).status !== 0) return 'python3 is not installed';
    const xorriso = spawnSync('xorriso', ['--version'], { encoding: 'utf8' }).stdout?.split('\n')[0];
    if (xorriso !== expected['xorriso']) return `the xorriso here is ${xorriso ?? 'missing'}, not ${expected['xorriso']}`;
  }
  if (example === 'deb-tree' || example === 'quickstart') return 'it needs a Debian mirror: run it by hand';
  return undefined;
}

describe.each(globSync('examples/*/portkit.toml').toSorted())('%s', (definition) => {
  const example = dirname(definition).slice('examples/'.length);
  const expected = JSON.parse(readFileSync(join(dirname(definition), 'expected.json'), 'utf8')) as Record<string, string>;

  test('gives the digests it is expected to give, and then runs nothing', ({ skip }) => {
    const reason = hindrance(example, expected);
    skip(reason !== undefined, reason);
    const args = example === 'secrets' ? ['--secret', `token=${join(folder, 'token')}`] : [];
    const first = build(definition, '--json', ...args);
    expect(first).toMatchObject({ status: 0 });
    const { targets } = JSON.parse(first.stdout) as { targets: Readonly<Record<string, { digest: string }>> };
    const digests = Object.fromEntries(Object.entries(targets).map(([name, { digest }]) => [name, digest]));
    const { compiler: _, xorriso: __, ...wanted } = expected;
    expect(digests).toEqual(wanted);
    expect(build(definition, '--expect-cached', '--quiet', ...args)).toMatchObject({
      status: 0,
      stdout: `${Object.values(wanted).join('\n')}\n`,
    });
    // Every step once more, and the same bytes.
    expect(build(definition, '--check', '--quiet', ...args)).toMatchObject({ status: 0 });
  });
});

test('the hello example can be written to a folder, and is what it says', () => {
  const out = join(folder, 'out');
  expect(build('examples/hello/portkit.toml', '--output', out)).toMatchObject({ status: 0 });
  expect(readFileSync(join(out, 'root/etc/motd'), 'utf8')).toBe('Hello, World!\nHello, microVM!\n');
  expect(execFileSync('tar', ['-tzf', join(out, 'root.tar.gz')], { encoding: 'utf8' })).toContain('etc/motd');
});
