import { spawnSync } from 'node:child_process';
import { generateKeyPairSync } from 'node:crypto';
import { globSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { zstdDecompressSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

const privateKeyEncoding = { type: 'pkcs8', format: 'pem' } as const;
const publicKeyEncoding = { type: 'spki', format: 'pem' } as const;
const passphrase = 'correct-horse-7161';
const sealed = { ...privateKeyEncoding, cipher: 'aes-256-cbc', passphrase };
const mine = generateKeyPairSync('ed25519', { privateKeyEncoding: sealed, publicKeyEncoding });
const other = generateKeyPairSync('ed25519', { privateKeyEncoding, publicKeyEncoding });
const token = 'hunter2-canary-90210';
const password = 'hunter3-canary-30303';
let folder: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'portkit-attest-'));
  mkdirSync(join(folder, 'src'));
  mkdirSync(join(folder, 'secrets'));
  writeFileSync(join(folder, 'src/name'), 'world\n');
  writeFileSync(join(folder, 'mine.pub'), mine.publicKey);
  writeFileSync(join(folder, 'other.pub'), other.publicKey);
  writeFileSync(join(folder, 'secrets/token'), token);
  writeFileSync(join(folder, 'secrets/key'), mine.privateKey);
  writeFileSync(join(folder, 'secrets/word'), `${passphrase}\n`);
  writeFileSync(join(folder, 'secrets/bad'), `-----BEGIN PRIVATE KEY-----\n${token}\n-----END PRIVATE KEY-----\n`);
  writeFileSync(join(folder, 'portkit.toml'), definition('mine.pub'));
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

function definition(publicKey: string): string {
  return `
[steps.hello]
exec = { script = "cat /in/src/name > /out/hello; echo $TOKEN", inputs = { src = "local:src" }, secrets = [{ name = "token", env = "TOKEN" }], env = { URL = "https://user:${password}@example.com/x?token=${password}" } }
[steps.layout]
oci = { artifact_type = "application/vnd.example.hello+json", layers = [{ name = "hello", from = "step:hello" }] }
[steps.bill]
sbom = { of = { hello = "step:hello" }, format = "spdx", attach = "step:layout" }
[steps.told]
provenance = { from = "step:bill", attach = true }
[steps.statement]
provenance = { from = "step:layout" }
[steps.signed]
sign = { from = "step:told", key = "key", passphrase = "word" }
[steps.checked]
verify = { from = "step:signed", keys = ["${publicKey}"], predicate_types = ["https://slsa.dev/provenance/v1"] }
`;
}

function portkit(...args: readonly string[]) {
  const env = { PATH: process.env['PATH'], HOME: folder, PORTKIT_ROOT: join(folder, 'store'), PORTKIT_SCRATCH: scratch };
  return spawnSync('sh', [join(process.cwd(), 'bin/portkit'), ...args], { encoding: 'utf8', cwd: folder, env });
}

const scratch = `/var/tmp/portkit-test-attest-${process.pid}`;
afterAll(() => rmSync(scratch, { recursive: true, force: true }));
const secretsWith = (key: string): readonly string[] =>
  ['token=secrets/token', `key=${key}`, 'word=secrets/word'].flatMap((pair) => ['--secret', pair]);
const secrets = secretsWith('secrets/key');

/** The secrets in every form in which they could have been written down. */
const forms = [token, passphrase, mine.privateKey.split('\n')[1] ?? ''].flatMap((text) => [
  text,
  Buffer.from(text).toString('base64').slice(0, -4),
  Buffer.from(text).toString('base64url').slice(0, -4),
  Buffer.from(text).toString('hex'),
  encodeURIComponent(text),
]);

/** The files below a folder of the project that have a secret in them, as they are or unpacked. */
function leaks(below: string, wanted: readonly string[] = forms): readonly string[] {
  const files = globSync(`${below}/**/*`, { cwd: folder }).filter((file) => statSync(join(folder, file)).isFile());
  expect(files.length).toBeGreaterThan(0);
  return files.filter((file) => {
    const bytes = readFileSync(join(folder, file));
    const texts = [bytes.toString('latin1'), unpacked(bytes)];
    return wanted.some((form) => texts.some((text) => text.includes(form)));
  });
}

function unpacked(bytes: Buffer): string {
  try {
    return zstdDecompressSync(bytes).toString('latin1');
  } catch {
    return '';
  }
}

describe('a signed build', () => {
  test('goes through, is known the next time, and says how it was made', () => {
    const first = portkit('build', ...secrets, '--output', 'type=local,dest=out,target=checked');
    expect(first).toMatchObject({ status: 0, stdout: expect.stringMatching(/tree {2}checked$/m) });
    expect(portkit('build', ...secrets)).toMatchObject({ status: 0, stderr: expect.stringContaining('built 0 of') });
    const { manifests } = JSON.parse(readFileSync(join(folder, 'out/index.json'), 'utf8'));
    expect(manifests.map(({ artifactType }: { artifactType: string }) => artifactType).toSorted()).toEqual([
      'application/spdx+json',
      'application/vnd.dev.sigstore.bundle.v0.3+json',
      'application/vnd.dev.sigstore.bundle.v0.3+json',
      'application/vnd.dev.sigstore.bundle.v0.3+json',
      'application/vnd.example.hello+json',
      'application/vnd.in-toto+json',
    ]);
    const blobs = globSync('out/blobs/sha256/*', { cwd: folder }).map((file) => readFileSync(join(folder, file), 'utf8'));
    const [statement] = blobs.filter((text) => text.includes('"_type"'));
    expect(JSON.parse(statement ?? '').predicate.buildDefinition.internalParameters.steps).toMatchObject([
      { name: 'local:src', kind: 'local' },
      {
        name: 'hello',
        kind: 'exec',
        inputs: ['local:src'],
        parameters: { env: { URL: 'https://example.com/x?token=REDACTED' }, sandbox: { network: 'none', secrets: ['token'] } },
      },
      { name: 'layout', kind: 'oci', inputs: ['hello'] },
      { name: 'bill', kind: 'sbom', inputs: ['hello', 'layout'] },
    ]);
  });

  test('without its key it is another build, which says what is missing', () => {
    const { status, stderr } = portkit('build', 'checked', '--secret', 'token=secrets/token');
    expect({ status, stderr }).toMatchObject({ status: 2, stderr: expect.stringMatching(/PK3108[^]*--secret key=FILE/) });
  });

  test('with another key to check it fails as a verification, and nothing is exported', () => {
    writeFileSync(join(folder, 'portkit.toml'), definition('other.pub'));
    const refused = portkit('build', ...secrets, '--output', 'type=local,dest=refused');
    expect(refused).toMatchObject({ status: 7, stderr: expect.stringContaining('PK4153') });
    expect(globSync('refused/**', { cwd: folder })).toEqual([]);
    writeFileSync(join(folder, 'portkit.toml'), definition('mine.pub'));
  });

  test('a secret that is no key is told of without being shown', () => {
    const broken = portkit('build', 'checked', ...secretsWith('secrets/bad'));
    expect(broken).toMatchObject({ status: 2, stderr: expect.stringContaining('PK4150') });
    expect(broken.stdout + broken.stderr).not.toContain(token);
  });

  test('has no secret anywhere: not in the store, its logs and records, nor in what is exported', () => {
    expect(globSync('store/**/logs/**', { cwd: folder }).length).toBeGreaterThan(0);
    expect(leaks('store')).toEqual([]);
    expect(leaks('out')).toEqual([]);
    // What a URL of the definition is opened with is no secret that was handed in, but is not told to others either.
    expect(leaks('out', [password])).toEqual([]);
    expect(leaks('secrets').length).toBe(4);
  });
});

describe('what is beside an artifact', () => {
  test('is told, with who is said to have signed it', () => {
    const { status, stdout } = portkit('attest', 'inspect', 'oci:out');
    expect(status).toBe(0);
    expect(stdout).toMatch(/^oci:out {2}sha256:[0-9a-f]{64}\n/);
    expect(stdout.match(/said to be signed with [A-Za-z0-9+/]{43}=/g)).toHaveLength(3);
    expect(stdout.match(/https:\/\/slsa\.dev\/provenance\/v1 .*, not signed/g)).toHaveLength(1);
    const { attestations } = JSON.parse(portkit('attest', 'inspect', 'oci:out:latest', '--json').stdout);
    expect(attestations.map(({ form }: { form: string }) => form).toSorted()).toEqual([
      'bill',
      'bundle',
      'bundle',
      'bundle',
      'statement',
    ]);
  });

  test('is verified with the right key, and with no other', () => {
    const kinds = ['https://slsa.dev/provenance/v1', 'https://spdx.dev/Document'].flatMap((kind) => ['--predicate-type', kind]);
    const verified = portkit('attest', 'verify', 'oci:out', '--key', 'other.pub', '--key', 'mine.pub', ...kinds, '--json');
    expect(verified.status).toBe(0);
    expect(JSON.parse(verified.stdout).signed).toHaveLength(3);
    const refused = (...args: readonly string[]): unknown => {
      const { status, stderr } = portkit('attest', 'verify', 'oci:out', ...args);
      return [status, /PK\d+/.exec(stderr)?.[0]];
    };
    expect(refused('--key', 'other.pub')).toEqual([7, 'PK4153']);
    expect(refused('--key', 'mine.pub', '--predicate-type', 'https://cyclonedx.org/bom')).toEqual([7, 'PK4153']);
    expect(refused('--key', 'secrets/key')).toEqual([2, 'PK4150']);
    expect(refused('--key', 'nothing')).toEqual([2, 'PK1004']);
    expect(refused()).toEqual([2, 'PK1001']);
  });

  test('is printed, also only if it is signed', () => {
    const plain = portkit('provenance', 'oci:out');
    expect(plain).toMatchObject({ status: 0, stderr: expect.stringContaining('was not checked') });
    expect(JSON.parse(plain.stdout).runDetails.builder.id).toBe('urn:portkit:builder');
    const checked = portkit('provenance', 'oci:out', '--key', 'mine.pub');
    expect(checked).toMatchObject({ status: 0, stdout: plain.stdout, stderr: '' });
    expect(portkit('provenance', 'oci:out', '--key', 'other.pub')).toMatchObject({ status: 7, stdout: '' });
    expect(JSON.parse(portkit('sbom', 'oci:out', '--key', 'mine.pub').stdout).spdxVersion).toBe('SPDX-2.3');
    expect(portkit('sbom', 'oci:out', '--format', 'cyclonedx')).toMatchObject({ status: 1, stdout: '' });
    expect(portkit('sbom', 'oci:out', '--format', 'yaml')).toMatchObject({ status: 2 });
  });

  test('is written to a file, or told with what it is about', () => {
    expect(portkit('provenance', 'oci:out', '--output', 'told.json')).toMatchObject({ status: 0, stdout: '' });
    expect(readFileSync(join(folder, 'told.json'), 'utf8')).toBe(portkit('provenance', 'oci:out').stdout);
    const { digest, documents } = JSON.parse(portkit('sbom', 'oci:out', '--key', 'mine.pub', '--json').stdout);
    expect(documents).toEqual([
      {
        predicateType: 'https://spdx.dev/Document',
        document: expect.objectContaining({ spdxVersion: 'SPDX-2.3' }),
        subject: digest,
        verified: true,
      },
    ]);
    const unchecked = JSON.parse(portkit('sbom', 'oci:out', '--json').stdout).documents;
    expect(unchecked).toMatchObject([{ verified: false }]);
  });

  test('of an index is that of a manifest of it, or of the whole', () => {
    const layer = '{ name = "name", from = "local:src" }';
    const variants = ['amd64', 'arm64'].map(
      (architecture) => `{ platform = { os = "linux", architecture = "${architecture}" }, layers = [${layer}] }`,
    );
    const steps = `
[steps.both]
oci = { artifact_type = "application/vnd.example.hello+json", variants = [${variants.join(', ')}] }
[steps.bill]
sbom = { of = { name = "local:src" }, format = "spdx", attach = "step:both" }
[steps.all]
provenance = { from = "step:bill", attach = true }
[steps.signed]
sign = { from = "step:all", key = "key", passphrase = "word" }
`;
    writeFileSync(join(folder, 'index.toml'), steps);
    const keys = ['--secret', 'key=secrets/key', '--secret', 'word=secrets/word'];
    expect(portkit('build', 'signed', '--file', 'index.toml', '--output', 'index', ...keys)).toMatchObject({ status: 0 });
    const one = JSON.parse(portkit('provenance', 'oci:index', '--platform', 'linux/arm64', '--json').stdout);
    expect(one.documents).toMatchObject([{ platform: 'linux/arm64', subject: expect.stringMatching(/^sha256:/) }]);
    expect(one.documents[0].subject).not.toBe(one.digest);
    const whole = portkit('sbom', 'oci:index', '--platform', 'linux/arm64');
    expect(whole).toMatchObject({ status: 0, stderr: expect.stringContaining('Nothing is said about linux/arm64 alone') });
    expect(portkit('provenance', 'oci:index', '--platform', 'linux/s390x')).toMatchObject({ status: 1, stdout: '' });

    // The commands of docs/postprocessors.md.
    const page = readFileSync(join(import.meta.dirname, '../../docs/postprocessors.md'), 'utf8');
    const commands = [...page.matchAll(/^portkit ((?:sbom|provenance) [^|\n]*)/gm)].map(([, line = '']) =>
      line
        .trim()
        .replace(/ghcr\.io\/\S+|oci:out/, 'oci:index')
        .replace('signing.pub', 'mine.pub')
        .split(' '),
    );
    const [written, told] = commands.map((words) => portkit(...words));
    expect([commands.length, written?.status, told?.status]).toEqual([2, 0, 0]);
    expect(JSON.parse(readFileSync(join(folder, 'demo.spdx.json'), 'utf8')).spdxVersion).toBe('SPDX-2.3');
    const { documents } = JSON.parse(told?.stdout ?? '');
    expect(documents.map(({ document }: typeof one) => document.runDetails.builder.id)).toEqual(['urn:portkit:builder']);
  });

  test('is missed with a word about how it comes there', () => {
    expect(portkit('sbom', 'src/name').stderr).toContain('is a file or folder, beside which nothing is said');
    expect(portkit('provenance', './out').stderr).toContain('Use oci:./out');
    expect(portkit('copy', 'oci:out', 'oci:bare')).toMatchObject({ status: 0 });
    const { status, stderr } = portkit('sbom', 'oci:bare');
    expect(status).toBe(1);
    expect(stderr).toContain('There is no bill of materials beside oci:bare');
    expect(stderr).toContain('a step { sbom = { of = …, attach = "step:LAYOUT" } } puts one there');
    const short = portkit('attest', 'verify', 'oci:out', '--key', 'mine.pub', '--predicate-type', 'cyclonedx');
    expect(short.stderr).toMatch(/no signed https:\/\/cyclonedx\.org\/bom[^]*Signed with a trusted key is: .*slsa\.dev/);
    expect(portkit('attest', 'verify', 'oci:out', '--key', 'mine.pub', '--predicate-type', 'slsaprovenance1').status).toBe(0);
  });

  test('is found in an archive, too', () => {
    expect(portkit('copy', '--referrers', 'oci:out', 'oci-archive:out.tar')).toMatchObject({ status: 0 });
    expect(portkit('attest', 'verify', 'oci-archive:out.tar', '--key', 'mine.pub')).toMatchObject({ status: 0 });
  });

  test('does not hold for other content', () => {
    const manifests: readonly { digest: string; artifactType: string }[] = JSON.parse(
      readFileSync(join(folder, 'out/index.json'), 'utf8'),
    ).manifests;
    const main = manifests.find(({ artifactType }) => artifactType.endsWith('hello+json'))?.digest.slice(7) ?? '';
    const [layer] = JSON.parse(readFileSync(join(folder, 'out/blobs/sha256', main), 'utf8')).layers;
    writeFileSync(join(folder, 'out/blobs/sha256', layer.digest.slice(7)), Buffer.alloc(layer.size, 'x'));
    const { status, stderr } = portkit('attest', 'verify', 'oci:out', '--key', 'mine.pub');
    expect({ status, stderr }).toMatchObject({ status: 7, stderr: expect.stringContaining('PK4003') });
  });
});
