import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  existsSync,
  readdirSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { noRegistry, oneUser, startDockerRegistry } from '../interop/docker-registry.ts';
import type { DockerRegistry } from '../interop/docker-registry.ts';
import { canary } from '../oci/asking.ts';

const encoded = Buffer.from(`me:${canary}`).toString('base64');
const skopeo = ['/usr/bin/skopeo', '/usr/local/bin/skopeo'].find((path) => existsSync(path));
const scriptProgram = ['/usr/bin/script', '/bin/script'].find((path) => existsSync(path));
let folder: string;
let home: string;
/** All that was ever printed. */
let printed = '';

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'portkit-login-'));
  home = join(folder, 'home');
  mkdirSync(home);
  return () => {
    // Nothing but files of logins may have the password.
    for (const file of readdirSync(folder, { recursive: true, withFileTypes: true })) {
      if (!file.isFile() || /(auth|config)\.json$|^docker-credential-/.test(file.name)) continue;
      const path = join(file.parentPath, file.name);
      const text = readFileSync(path, 'latin1');
      expect([path, text.includes(canary), text.includes(encoded)]).toEqual([path, false, false]);
    }
    rmSync(folder, { recursive: true });
    for (const secret of [canary, encoded]) expect(printed).not.toContain(secret);
  };
});

function environment(more: Readonly<Record<string, string>> = {}) {
  return { PATH: process.env['PATH'], HOME: home, PORTKIT_ROOT: join(folder, 'store'), TMPDIR: folder, ...more };
}

interface Asked {
  readonly input?: string;
  readonly env?: Readonly<Record<string, string>>;
}

function portkit(args: readonly string[], { input = '', env = {} }: Asked = {}) {
  const done = spawnSync('sh', ['bin/portkit', ...args], { encoding: 'utf8', input, env: environment(env) });
  printed += done.stdout + done.stderr;
  return done;
}

const own = () => join(home, '.config', 'portkit', 'auth.json');
const writeJson = (path: string, value: unknown) => {
  mkdirSync(join(path, '..'), { recursive: true });
  writeFileSync(path, JSON.stringify(value));
};

describe('the command line', () => {
  test.each([
    [['login'], /PK1001.*login HOST/],
    [['login', 'localhost:1'], /PK1001.*no terminal[^]*--password-stdin/],
    [['login', 'localhost:1', '--password-stdin'], /PK1001.*--user/],
    [['login', 'localhost:1', '--password-stdin', '--identity-token-stdin'], /PK1001/],
    [['login', 'localhost:1', '-u', 'me', '--identity-token-stdin'], /PK1001/],
    [['login', 'localhost:1/repository', '-u', 'me', '--password-stdin'], /PK4041/],
    [['login', 'localhost:1', '-u', 'm:e', '--password-stdin', '--no-verify'], /PK4041/],
    [['login', 'localhost:1', '-u', 'me', '--password', 'x'], /PK1001.*Unknown option --password/],
    [['logout'], /PK1001.*logout HOST/],
    [['auth'], /PK1001.*needs a verb/],
    [['auth', 'ls'], /PK1001/],
  ])('%j is not understood', (args, message) => {
    expect(portkit(args, { input: canary })).toMatchObject({ status: 2, stdout: '', stderr: expect.stringMatching(message) });
    expect(existsSync(own())).toBe(false);
  });

  test.each([
    ['nothing', ''],
    ['only the end of a line', '\r\n'],
    ['two lines', `${canary}\nmore\n`],
    ['bytes that are no text', Buffer.from([0xff, 0xfe]).toString('latin1')],
    ['far too much', 'x'.repeat(70_000)],
  ])('%s is no password', (_name, input) => {
    const args = ['login', 'localhost:1', '-u', 'me', '--password-stdin', '--no-verify'];
    const raw = spawnSync('sh', ['bin/portkit', ...args], { input: Buffer.from(input, 'latin1'), env: environment() });
    expect([raw.status, raw.stderr.toString()]).toEqual([2, expect.stringContaining('PK4041')]);
    expect(existsSync(own())).toBe(false);
  });

  test('logins without a question to the registry are stored for their user alone, and forgotten', () => {
    const args = ['login', 'https://Registry.Example/v2/', '-u', 'me', '--password-stdin', '--no-verify'];
    expect(portkit(args, { input: `${canary}\r\n` })).toMatchObject({
      status: 0,
      stdout: 'Logged in to registry.example as me\n',
      stderr: '',
    });
    expect([statSync(own()).mode & 0o777, statSync(join(own(), '..')).mode & 0o777]).toEqual([0o600, 0o700]);
    expect(JSON.parse(readFileSync(own(), 'utf8'))).toEqual({ auths: { 'registry.example': { auth: encoded } } });
    const token = ['login', 'docker.io', '--identity-token-stdin', '--no-verify'];
    expect(portkit(token, { input: canary }).stdout).toBe('Logged in to docker.io\n');
    expect(portkit(['auth', 'list']).stdout).toBe('docker.io         -   portkit\nregistry.example  me  portkit\n');
    expect(portkit(['logout', 'registry.example'])).toMatchObject({ status: 0, stdout: 'Logged out of registry.example\n' });
    expect(portkit(['logout', 'registry.example'])).toMatchObject({ status: 0, stdout: expect.stringContaining('no login') });
    expect(JSON.parse(readFileSync(own(), 'utf8'))).toEqual({ auths: { 'docker.io': { identitytoken: canary } } });
  });

  test('a file that others could read is not used', () => {
    writeJson(own(), { auths: { 'localhost:1': { auth: encoded } } });
    chmodSync(own(), 0o644);
    expect(portkit(['auth', 'list'])).toMatchObject({ status: 6, stderr: expect.stringMatching(/PK4040[^]*chmod 600/) });
  });
});

describe('auth list', () => {
  test('has what portkit, Docker, podman and lns keep, and what helpers know', () => {
    const helper = join(folder, 'docker-credential-fake');
    writeFileSync(helper, `#!/bin/sh\n[ "$1" != list ] || echo '{"https://helped.example":"hannah","other.example":"otto"}'\n`);
    chmodSync(helper, 0o755);
    const auth = { auth: encoded };
    writeJson(join(home, '.docker', 'config.json'), { auths: { 'a.example': auth, 'empty.example': {} } });
    writeJson(join(folder, 'docker', 'config.json'), {
      auths: { 'https://index.docker.io/v1/': auth },
      credsStore: 'fake',
      credHelpers: { 'gone.example': 'gone' },
    });
    writeJson(join(folder, 'podman-auth.json'), { auths: { 'p.example': { identitytoken: canary } } });
    writeJson(join(home, '.lns-registry-auth.json'), { auths: { 'lns.example': auth } });
    const env = {
      PATH: `${folder}:${process.env['PATH'] ?? ''}`,
      DOCKER_CONFIG: join(folder, 'docker'),
      REGISTRY_AUTH_FILE: join(folder, 'podman-auth.json'),
      // As the specification says, this counts as if it were not set.
      XDG_CONFIG_HOME: 'relative',
    };
    const done = portkit(['auth', 'list', '--json'], { env });
    const from = (name: string) => expect.stringMatching(new RegExp(`${name}$`));
    expect(JSON.parse(done.stdout)).toEqual({
      version: 1,
      logins: [
        { host: 'docker.io', username: 'me', from: from('docker/config.json') },
        { host: 'gone.example', from: 'docker-credential-gone' },
        { host: 'helped.example', username: 'hannah', from: 'docker-credential-fake' },
        { host: 'lns.example', username: 'me', from: from('.lns-registry-auth.json') },
        { host: 'other.example', username: 'otto', from: 'docker-credential-fake' },
        { host: 'p.example', from: from('podman-auth.json') },
      ],
    });
    expect(done.stderr).toBe('warning: docker-credential-gone cannot be run\n');
    expect(portkit(['auth', 'list']).stdout).toMatch(/^a\.example {4}me {2}.*\.docker\/config\.json\nlns\.example {2}me .*\n$/);
    expect(portkit(['logout', 'lns.example']).stderr).toMatch(
      /^note: .*lns-registry-auth\.json still has a login for lns\.example\n$/,
    );
    rmSync(join(home, '.docker'), { recursive: true });
    rmSync(join(home, '.lns-registry-auth.json'));
    expect(portkit(['auth', 'list'])).toMatchObject({ status: 0, stdout: '', stderr: expect.stringContaining('no logins') });
  });
});

if (noRegistry !== undefined) test('a registry with passwords', ({ skip }) => skip(noRegistry));

describe.skipIf(noRegistry !== undefined)('a registry with passwords', () => {
  let registry: DockerRegistry;
  beforeAll(async () => {
    registry = await startDockerRegistry(oneUser);
  });
  afterAll(() => registry?.[Symbol.asyncDispose]());

  const login = (password: string, ...more: readonly string[]) =>
    portkit(['login', registry.host, '--user', 'me', '--password-stdin', ...more], { input: `${password}\n` });

  test('a wrong password is not stored', () => {
    expect(login('wrong')).toMatchObject({
      status: 6,
      stdout: '',
      stderr: expect.stringMatching(/PK4030[^]*Nothing was stored/),
    });
    expect(existsSync(own())).toBe(false);
    expect(login(canary).status).toBe(0);
    expect(login('wrong').status).toBe(6);
    expect(readFileSync(own(), 'utf8')).toContain(encoded);
  });

  test('login, push, pull, logout', () => {
    writeFileSync(join(folder, 'agent.json'), '{"name":"hello"}');
    const reference = `${registry.host}/lab/agents/hello:v1`;
    const push = () => portkit(['push', join(folder, 'agent.json'), reference, '--debug']);
    expect(push()).toMatchObject({ status: 6, stderr: expect.stringMatching(/PK4030[^]*portkit login 127/) });
    expect(login(canary).status).toBe(0);
    expect(push()).toMatchObject({ status: 0 });
    expect(portkit(['pull', reference])).toMatchObject({ status: 0, stdout: expect.stringContaining('hello') });
    expect(portkit(['logout', registry.host]).status).toBe(0);
    expect(portkit(['pull', reference, '--debug'])).toMatchObject({ status: 6, stdout: '' });
  });

  test("Docker's file and its helpers are used too, as skopeo uses them", ({ skip }) => {
    const file = join(home, '.docker', 'config.json');
    writeJson(file, { auths: { [registry.host]: { auth: encoded } } });
    writeFileSync(join(folder, 'tool.json'), '{"name":"shared"}');
    const reference = `${registry.host}/lab/tools/shared:v1`;
    expect(portkit(['push', join(folder, 'tool.json'), reference]).status).toBe(0);

    const helper = join(folder, 'docker-credential-fake');
    writeFileSync(
      helper,
      `#!/bin/sh\nread -r host\n[ "$1 $host" != 'get ${registry.host}' ] || echo '{"Username":"me","Secret":"${canary}"}'\n`,
    );
    chmodSync(helper, 0o755);
    writeJson(file, { credHelpers: { [registry.host]: 'fake' } });
    const env = { PATH: `${folder}:${process.env['PATH'] ?? ''}` };
    expect(portkit(['pull', reference], { env })).toMatchObject({
      status: 0,
      stdout: expect.stringContaining('shared'),
      stderr: '',
    });
    const without = portkit(['pull', reference]);
    expect(without).toMatchObject({
      status: 6,
      stderr: expect.stringMatching(/^warning: docker-credential-fake cannot be run\n/),
    });

    skip(skopeo === undefined, 'there is no skopeo');
    const inspected = spawnSync(skopeo ?? '', ['inspect', '--raw', '--tls-verify=false', `docker://${reference}`], {
      encoding: 'utf8',
      env: environment(env),
    });
    expect(JSON.parse(inspected.stdout)).toHaveProperty('artifactType', 'application/vnd.lens.tool.v1+json');
    // What portkit keeps itself is in a form that others read.
    expect(login(canary).status).toBe(0);
    rmSync(file);
    symlinkSync(own(), file);
    expect(
      spawnSync(skopeo ?? '', ['inspect', '--raw', '--tls-verify=false', `docker://${reference}`], { env: environment() }).status,
    ).toBe(0);
  });

  test('at a terminal it asks, and shows no password', async ({ skip }) => {
    skip(scriptProgram === undefined, 'there is no script');
    const child = spawn(scriptProgram ?? '', ['-qec', `sh bin/portkit login ${registry.host}`, '/dev/null'], {
      env: environment(),
    });
    let shown = '';
    const answers = [
      ['User at', 'me\r'],
      ['Password: ', `${canary}\r`],
    ];
    child.stdout.on('data', (chunk: Buffer) => {
      shown += chunk.toString();
      const [question = '', answer] = answers[0] ?? [];
      if (answer === undefined || !shown.includes(question)) return;
      answers.shift();
      child.stdin.write(answer);
    });
    const [status] = await once(child, 'close');
    printed += shown;
    expect([status, shown]).toEqual([0, expect.stringMatching(/Password: \r?\n.*Logged in to 127[^ ]* as me/)]);
    expect(readFileSync(own(), 'utf8')).toContain(encoded);
  });
});

test.each(['plain', 'json', 'quiet'])('what is wrong with the files of others is told by a build, too (%s)', (progress) => {
  mkdirSync(join(home, '.docker'));
  writeFileSync(join(home, '.docker', 'config.json'), canary);
  const digest = `sha256:${'0'.repeat(64)}`;
  const step = (name: string) => `[steps.${name}]\nimage = { reference = "localhost:1/${name}@${digest}" }\n`;
  writeFileSync(join(folder, 'portkit.toml'), `[targets]\na = "step:a"\nb = "step:b"\n${step('a')}${step('b')}`);
  const shown = progress === 'quiet' ? ['--quiet'] : ['--progress', progress];
  const { stderr } = portkit(['build', '--keep-going', '--file', join(folder, 'portkit.toml'), ...shown]);
  expect(stderr).toContain('PK4033');
  expect(stderr.split(`${join(home, '.docker', 'config.json')} is no file of credentials`)).toHaveLength(2);
});
