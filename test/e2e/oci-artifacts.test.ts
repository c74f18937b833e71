import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { noRegistry, startDockerRegistry } from '../interop/docker-registry.ts';
import type { DockerRegistry, RegistryCertificate } from '../interop/docker-registry.ts';

let folder: string;

/** The user "user" with the password "password". */
const htpasswd = 'user:$2b$05$abcdefghijklmnopqrstuuWG29KuyeAicPCJODk1zjyGvyQUU2awu\n';

const steps = `
[matrix]
protection_mode = ["standard", "pvm"]

[steps.kernel]
tree = [{ write = "/vmlinux", text = "kernel for \${matrix.protection_mode}\\n" }]
`;

/** A kernel whose variants are pushed to and pulled from a registry, as Port's configurations say it. */
function config(host: string, more: { readonly auth?: string; readonly section?: string } = {}): string {
  const { auth = 'kind = "anonymous"', section = '' } = more;
  const distribution = (verb: string) => `
[artifacts.kernels.demo-kernel.distribution.${verb}]
backend = "oci-registry"
transport = "plain-http"
${section}
[artifacts.kernels.demo-kernel.distribution.${verb}.auth]
${auth}
`;
  const variant = (mode: string) => `
[[artifacts.kernels.demo-kernel.variants]]
path = "artifacts/kernel/demo/x86_64/firecracker/${mode}/vmlinux"
selector = { architecture = "x86_64", substrate = "firecracker", protection_mode = "${mode}" }
build = { step = "kernel" }
`;
  return `
[artifacts.kernels.demo-kernel.reference]
registry = "${host}"
repository = "port/demo-kernel"
version = "v1"
${distribution('push')}${distribution('pull')}${variant('standard')}${variant('pvm')}${steps}`;
}

function portkit(args: readonly string[], env: Readonly<Record<string, string>> = {}) {
  return spawnSync('sh', [join(process.cwd(), 'bin/portkit'), ...args], {
    encoding: 'utf8',
    cwd: folder,
    env: { PATH: process.env['PATH'], HOME: folder, PORTKIT_ROOT: join(folder, 'store'), ...env },
  });
}

function artifacts(line: string, env?: Readonly<Record<string, string>>) {
  return portkit(['--config', 'examples/port.toml', 'artifacts', ...line.split(' ')], env);
}

const write = (text: string): void => writeFileSync(join(folder, 'examples/port.toml'), text);
const standard = '--artifact demo-kernel --architecture x86-64';
const pvm = `${standard} --substrate firecracker --protection-mode pvm`;
const pathOf = (mode: string): string => join(folder, `artifacts/kernel/demo/x86_64/firecracker/${mode}/vmlinux`);

/** A certificate for the loopback that signs itself. */
function makeCertificate(): RegistryCertificate | undefined {
  const [certificate, key] = [join(folder, 'cert.pem'), join(folder, 'key.pem')];
  const subject = ['-subj', '/CN=registry', '-addext', 'subjectAltName=IP:127.0.0.1', '-days', '3'];
  const kind = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'];
  const { status } = spawnSync('openssl', ['req', '-x509', ...kind, '-keyout', key, '-out', certificate, ...subject]);
  return status === 0 ? { certificate, key } : undefined;
}

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'portkit-oci-'));
  mkdirSync(join(folder, 'examples'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

test('a registry that is only a name, or a variable that is not set, is told before anything is asked', () => {
  write(config('demo-fs'));
  expect(artifacts(`build ${standard}`).status).toBe(0);
  const named = artifacts(`push ${standard}`);
  expect(named).toMatchObject({ status: 2, stderr: expect.stringContaining('PK3907') });
  expect(named.stderr).toContain('reference.registry');
  write(config('127.0.0.1:1', { auth: 'kind = "bearer"\nsource = { kind = "env", variable = "DEMO_TOKEN" }' }));
  const unset = artifacts(`push ${standard}`);
  expect(unset).toMatchObject({ status: 6, stderr: expect.stringContaining('PK4080') });
  expect(unset.stderr).toContain('DEMO_TOKEN');
});

test('a registry that is not there is status 5', () => {
  write(config('127.0.0.1:1'));
  expect(artifacts(`pull ${standard}`)).toMatchObject({ status: 5, stderr: expect.stringContaining('PK4033') });
});

if (noRegistry !== undefined) test('artifacts in a registry', ({ skip }) => skip(noRegistry));

describe.skipIf(noRegistry !== undefined)('artifacts in a registry', () => {
  let registry: DockerRegistry;
  beforeAll(async () => {
    registry = await startDockerRegistry();
  });
  afterAll(() => registry?.[Symbol.asyncDispose]());

  test('go round (S0.21): build, push, delete the canonical path, pull restores', () => {
    write(config(registry.host));
    for (const selected of [standard, pvm]) {
      expect(artifacts(`build ${selected}`).status).toBe(0);
      const pushed = artifacts(`push ${selected}`);
      expect(pushed).toMatchObject({ status: 0, stderr: '' });
      expect(pushed.stdout).toContain('  backend: oci-registry plain-http anonymous\n');
    }
    for (const [selected, mode] of [
      [standard, 'standard'],
      [pvm, 'pvm'],
    ] as const) {
      rmSync(pathOf(mode));
      rmSync(join(folder, '.port'), { recursive: true, force: true });
      const store = `${registry.host}/port/demo-kernel:v1#x86_64/firecracker/${mode}/vmlinux`;
      const pulled = artifacts(`pull ${selected}`);
      expect(pulled).toMatchObject({ status: 0, stderr: '', stdout: expect.stringContaining(`  store path: ${store}\n`) });
      expect(readFileSync(pathOf(mode), 'utf8')).toBe(`kernel for ${mode}\n`);
      const inspected = artifacts(`inspect ${selected}`);
      expect(inspected).toMatchObject({
        status: 0,
        stdout: expect.stringMatching(`  store path: ${store}: sha256:[0-9a-f]{64} `),
      });
    }
    const index = portkit(['inspect', `${registry.host}/port/demo-kernel:v1`, '--json']);
    expect(JSON.parse(index.stdout)).toMatchObject({
      manifest: {
        artifactType: 'application/vnd.port.kernel.v1',
        manifests: [{ annotations: { 'dev.portkit.variant.protection-mode': 'pvm' } }, {}],
      },
    });
  });

  test("go round under Port's tags, and are read by whoever expects an index", () => {
    write(config(registry.host, { section: 'tag_form = "per-variant"' }).replace('version = "v1"', 'version = "v2"'));
    expect(artifacts(`build ${pvm}`).status).toBe(0);
    expect(artifacts(`push ${pvm}`).stdout).toContain(`:v2-x86_64-firecracker-pvm#vmlinux\n`);
    write(config(registry.host).replace('version = "v1"', 'version = "v2"'));
    rmSync(pathOf('pvm'));
    expect(artifacts(`pull ${pvm}`)).toMatchObject({ status: 0, stderr: '' });
    expect(readFileSync(pathOf('pvm'), 'utf8')).toBe('kernel for pvm\n');
    const absent = artifacts(`pull ${standard}`);
    expect(absent).toMatchObject({ status: 1, stderr: expect.stringContaining('PK3909') });
    expect(existsSync(pathOf('standard'))).toBe(false);
  });
});

describe.skipIf(noRegistry !== undefined)('artifacts in a registry that speaks TLS', () => {
  test('go to one whose certificate is trusted, and to no other', async ({ skip }) => {
    const made = makeCertificate() ?? skip('there is no openssl that makes certificates');
    await using registry = await startDockerRegistry(undefined, made);
    write(config(registry.host).replaceAll('"plain-http"', '"https"'));
    expect(artifacts(`build ${standard}`).status).toBe(0);
    expect(artifacts(`push ${standard}`)).toMatchObject({ status: 5, stderr: expect.stringContaining('PK4033') });
    const trusting = { PORTKIT_REGISTRY_CA: made.certificate };
    expect(artifacts(`push ${standard}`, trusting)).toMatchObject({
      status: 0,
      stdout: expect.stringContaining('oci-registry https anonymous'),
    });
    rmSync(pathOf('standard'));
    expect(artifacts(`pull ${standard}`, trusting)).toMatchObject({ status: 0, stderr: '' });
    expect(artifacts(`pull ${standard}`, { PORTKIT_REGISTRY_CA: 'nothing' })).toMatchObject({
      status: 2,
      stderr: expect.stringContaining('PORTKIT_REGISTRY_CA'),
    });
  });
});

describe.skipIf(noRegistry !== undefined)('artifacts in a registry that asks who is there', () => {
  let registry: DockerRegistry;
  beforeAll(async () => {
    registry = await startDockerRegistry(htpasswd);
  });
  afterAll(() => registry?.[Symbol.asyncDispose]());

  test('are pushed with a password of the environment or of Docker, and not without', () => {
    const basic =
      'kind = "basic"\nusername = { kind = "env", variable = "NAME" }\npassword = { kind = "env", variable = "PASS" }';
    write(config(registry.host, { auth: basic }));
    expect(artifacts(`build ${standard}`).status).toBe(0);
    const pushed = artifacts(`push ${standard}`, { NAME: 'user', PASS: 'password' });
    expect(pushed).toMatchObject({ status: 0, stdout: expect.stringContaining('oci-registry plain-http basic') });
    expect(artifacts(`push ${standard}`, { NAME: 'user', PASS: 'hunter2' })).toMatchObject({
      status: 6,
      stderr: expect.not.stringContaining('hunter2'),
    });
    const auths = { [registry.host]: { auth: Buffer.from('user:password').toString('base64') } };
    mkdirSync(join(folder, '.docker'));
    writeFileSync(join(folder, '.docker/config.json'), JSON.stringify({ auths }));
    write(config(registry.host, { auth: 'kind = "docker-config"' }));
    expect(artifacts(`pull ${standard}`)).toMatchObject({ status: 0, stderr: '' });
    write(config(registry.host));
    expect(artifacts(`pull ${standard}`)).toMatchObject({ status: 6, stderr: expect.stringContaining('PK4030') });
  });
});
