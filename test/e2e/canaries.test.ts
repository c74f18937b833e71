import { spawnSync } from 'node:child_process';
import { globSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { zstdDecompressSync } from 'node:zlib';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { digestOf } from '../../src/base/digest.ts';

/** One for each place that a user may write a credential into by mistake. */
const places = [
  'env',
  'env-url',
  'argv-option',
  'argv-url',
  'script-url',
  'script-variable',
  'script-header',
  'fetch-user',
  'fetch-query',
  'git-user',
  'annotation',
  'annotation-url',
  'config',
  'option',
];
const canaries = Object.fromEntries(places.map((place) => [place, `canary7161x${place.replaceAll('-', 'x')}`]));
const canary = (place: string): string => canaries[place] ?? '';

let folder: string;
const scratch = `/var/tmp/portkit-test-canaries-${process.pid}`;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'portkit-canaries-'));
  mkdirSync(join(folder, 'src'));
  writeFileSync(join(folder, 'src/a'), 'a');
  writeFileSync(join(folder, 'portkit.toml'), definition('one'));
});

afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
  rmSync(scratch, { recursive: true, force: true });
});

function definition(note: string): string {
  const query = 'X-Amz-Credential=a&X-Amz-Signature=';
  return `
[steps.hello]
exec.argv = ["sh", "-c", """
echo ${note} > /out/hello # curl -s https://me:${canary('script-url')}@example.com/?${query}${canary('script-url')}
API_KEY="${canary('script-variable')}" true; : -H 'Authorization: Bearer ${canary('script-header')}'
""", "sh", "--token", "${canary('argv-option')}", "--password=${canary('argv-option')}", "https://me:${canary('argv-url')}@example.com/?sig=${canary('argv-url')}"]
exec.inputs = { src = "local:src" }
exec.env = { GITHUB_TOKEN = "${canary('env')}", MIRROR = "https://me:${canary('env-url')}@example.com/?token=${canary('env-url')}" }
[steps.layout.oci]
artifact_type = "application/vnd.example.hello+json"
config_type = "application/vnd.example.config+json"
config = { auth = { password = "${canary('config')}" } }
annotations = { "com.example.token" = "${canary('annotation')}", "com.example.url" = "https://me:${canary('annotation-url')}@example.com/" }
layers = [{ name = "hello", from = "step:hello" }]
[steps.passed.external]
from = "step:layout"
argv = ["sh", "-c", "echo '{\\"type\\":\\"result\\"}'"]
options = { api_key = "${canary('option')}" }
[steps.bill]
sbom = { of = { hello = "step:hello" }, format = "spdx", attach = "step:passed" }
[steps.max]
provenance = { from = "step:bill", mode = "max" }
[steps.min]
provenance = { from = "step:bill", mode = "min" }
[steps.attached]
provenance = { from = "step:bill", attach = true }
[steps.bom]
sbom = { of = { hello = "step:passed" }, format = "cyclonedx" }
[steps.fetched]
fetch = { url = "http://me:${canary('fetch-user')}@127.0.0.1:1/a?X-Amz-Signature=${canary('fetch-query')}", sha256 = "${digestOf(note).slice(7)}" }
[steps.cloned]
git = { url = "https://${canary('git-user')}@127.0.0.1:1/a.git", commit = "${'a'.repeat(40)}" }
[steps.sources]
tree = [{ copy = "step:fetched", to = "/a" }, { copy = "step:cloned", to = "/b" }]
[steps.told]
sbom = { of = { sources = "step:sources" }, format = "spdx" }
`;
}

function portkit(...args: readonly string[]) {
  const env = { PATH: process.env['PATH'], HOME: folder, PORTKIT_ROOT: join(folder, 'store'), PORTKIT_SCRATCH: scratch };
  return spawnSync('sh', [join(process.cwd(), 'bin/portkit'), ...args], { encoding: 'utf8', cwd: folder, env });
}

function found(text: string): readonly string[] {
  return places.filter(
    (place) => text.includes(canary(place)) || text.includes(Buffer.from(canary(place)).toString('base64').slice(0, -4)),
  );
}

/** What a file has in it, as it is and unpacked. */
function textOf(path: string): string {
  const bytes = readFileSync(path);
  const isZstd = bytes.subarray(0, 4).equals(Buffer.from('28b52ffd', 'hex'));
  return bytes.toString('latin1') + (isZstd ? zstdDecompressSync(bytes).toString('latin1') : '');
}

test('no canary is in a document, a log, the history, a reason or the result of a build', () => {
  const made = portkit(
    'build',
    'max',
    'min',
    'bom',
    '--output',
    'out',
    '--metadata-file',
    'metadata.json',
    '--progress',
    'plain',
  );
  expect([made.status, made.stderr]).toEqual([0, expect.any(String)]);
  for (const name of ['max', 'min', 'bom'])
    expect([name, found(readFileSync(join(folder, 'out', name), 'utf8'))]).toEqual([name, []]);
  expect(readFileSync(join(folder, 'out/max'), 'utf8')).toContain('REDACTED');
  const min = readFileSync(join(folder, 'out/min'), 'utf8');
  for (const word of ['GITHUB_TOKEN', 'echo', 'REDACTED', 'internalParameters']) expect(min).not.toContain(word);
  expect(found(readFileSync(join(folder, 'metadata.json'), 'utf8'))).toEqual([]);
  expect(found(made.stdout + made.stderr)).toEqual([]);

  expect(portkit('build', 'attached', '--output', 'layout').status).toBe(0);
  for (const args of [
    ['sbom', 'oci:layout'],
    ['provenance', 'oci:layout'],
    ['attest', 'inspect', 'oci:layout', '--json'],
    ['referrers', 'oci:layout'],
  ]) {
    const { status, stdout, stderr } = portkit(...args);
    expect([args, status, found(stdout + stderr)]).toEqual([args, 0, []]);
  }

  // Another value of each, so that reasons are told of all of them.
  writeFileSync(join(folder, 'portkit.toml'), definition('two').replaceAll('canary7161x', 'canary7161xx'));
  for (const args of [
    ['plan'],
    ['plan', '--json'],
    ['build', 'max', '--json'],
    ['why'],
    ['why', '--json'],
    ['why', 'hello', '--json'],
  ]) {
    const { stdout, stderr } = portkit(...args);
    expect([args, /canary7161\w*/.exec(stdout + stderr)?.[0]]).toEqual([args, undefined]);
  }
});

test('no canary is in the error of a fetch or a clone that fails, nor in what is kept of it', () => {
  for (const target of ['fetched', 'cloned', 'told']) {
    for (const how of ['plain', 'json']) {
      const { status, stdout, stderr } = portkit('build', target, ...(how === 'json' ? ['--json'] : ['--progress', 'plain']));
      expect(status).not.toBe(0);
      expect([target, how, /canary7161\w*/.exec(stdout + stderr)?.[0]]).toEqual([target, how, undefined]);
    }
  }
});

test('no canary is in the error of a definition that cannot be understood', () => {
  const lines = definition('one').split('\n');
  let refused = 0;
  for (const [at, line] of lines.entries()) {
    if (!/canary7161/.test(line) || line.endsWith('\\') || !line.includes(' = ')) continue;
    const broken = lines.with(at, line.endsWith('}') ? line.replace(/ \}$/, ', unknown = 1 }') : `${line}, 1`);
    writeFileSync(join(folder, 'broken.toml'), broken.join('\n'));
    const { status, stderr } = portkit('check', '--file', 'broken.toml');
    refused += status === 0 ? 0 : 1;
    expect([line, /canary7161\w*/.exec(stderr)?.[0]]).toEqual([line, undefined]);
  }
  expect(refused).toBeGreaterThan(2);
});

test('what the store keeps besides results and definitions has no canary', () => {
  const files = globSync('store/**/*', { cwd: folder }).filter((file) => statSync(join(folder, file)).isFile());
  expect(files.length).toBeGreaterThan(5);
  const holders = files.filter((file) => /canary7161/.test(textOf(join(folder, file))));
  // A definition that was understood is kept, and what is to be published is a result. The store is its user's alone.
  expect(statSync(join(folder, 'store')).mode & 0o077).toBe(0);
  const results = holders.filter((file) => !file.startsWith('store/v1/definitions/'));
  expect(results.filter((file) => !file.startsWith('store/v1/packs/'))).toEqual([]);
  const held = results.flatMap((file) => textOf(join(folder, file)).match(/canary7161\w*/g) ?? []);
  expect([...new Set(held.map((one) => one.replace(/^canary7161x*/, '')))].toSorted()).toEqual([
    'annotation',
    'annotationxurl',
    'config',
    'option',
  ]);
});
