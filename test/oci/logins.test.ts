import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { Secret } from '../../src/oci/credentials/credential.ts';
import type { Credential } from '../../src/oci/credentials/credential.ts';
import { credentialFiles } from '../../src/oci/credentials/files.ts';
import { findCredential, listLogins } from '../../src/oci/credentials/find.ts';
import type { CredentialSources } from '../../src/oci/credentials/find.ts';
import { createOwnStore } from '../../src/oci/credentials/own-store.ts';
import { registriesOf } from '../../src/wiring/registries.ts';
import { blobOf, canary, failureOf, user } from './asking.ts';
import { say, startServer } from './server.ts';

const signal = new AbortController().signal;
const encoded = Buffer.from(`me:${canary}`).toString('base64');
let folder: string;
let own: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'portkit-logins-'));
  own = join(folder, 'portkit', 'auth.json');
});
afterEach(() => rmSync(folder, { recursive: true }));

/** A credential with its secret in the open, to be compared. */
function open(credential: Credential | undefined): unknown {
  if (credential === undefined) return undefined;
  return credential.kind === 'basic'
    ? [credential.username, credential.password.reveal()]
    : [credential.kind, credential.token.reveal()];
}

function sourcesOf(files: readonly unknown[], answer: Awaited<ReturnType<CredentialSources['run']>> = { status: 1, stdout: '' }) {
  const warnings: string[] = [];
  const calls: string[] = [];
  const foreign = files.map((file, index) => {
    const path = join(folder, `${index}.json`);
    if (file !== undefined) writeFileSync(path, typeof file === 'string' ? file : JSON.stringify(file));
    return path;
  });
  const sources: CredentialSources = {
    own: createOwnStore(own),
    foreign,
    run: async ({ program, verb, input }) => {
      calls.push(`${program} ${verb} ${input}`);
      return answer;
    },
    warn: (message) => warnings.push(message),
  };
  return { sources, warnings, calls };
}

describe('secrets', () => {
  test('are not shown by anything that shows things', () => {
    const shown = [
      new Secret(canary).toString(),
      JSON.stringify(user),
      inspect(user, { depth: 9, showHidden: true }),
      String(new Secret(canary)),
      JSON.stringify(Object.entries(new Secret(canary))),
      inspect(new Error('x', { cause: user }), { depth: 9 }),
    ];
    for (const text of shown) expect(text).not.toContain(canary);
    expect(shown[0]).toBe('[secret]');
    expect(new Secret(canary).reveal()).toBe(canary);
  });
});

describe('auth files of other programs', () => {
  test.each([
    ['registry.example', 'registry.example'],
    ['registry.example:5000', 'registry.example:5000'],
    ['https://registry.example', 'registry.example'],
    ['https://registry.example/v1/', 'registry.example'],
    ['registry.example/v2/', 'registry.example'],
    ['https://index.docker.io/v1/', 'docker.io'],
    ['https://index.docker.io/v1/', 'registry-1.docker.io'],
    ['docker.io', 'index.docker.io'],
  ])('the key %s is found for %s', async (key, host) => {
    const { sources } = sourcesOf([{ auths: { [key]: { auth: encoded } } }]);
    expect(open(await findCredential(host, sources, signal))).toEqual(['me', canary]);
  });
  test.each([
    ['registry.example', 'other.example'],
    ['registry.example', 'registry.example:5000'],
    ['registry.example:5000', 'registry.example'],
    ['registry.example/a/repository', 'registry.example'],
    ['evil-registry.example', 'registry.example'],
    ['https://registry.example@other.example', 'other.example'],
  ])('the key %s is not found for %s', async (key, host) => {
    const { sources } = sourcesOf([{ auths: { [key]: { auth: encoded } } }]);
    expect(await findCredential(host, sources, signal)).toBeUndefined();
  });
  test.each([
    [{ auth: encoded }, ['me', canary]],
    [{ auth: Buffer.from('me:a:b\0\0').toString('base64') }, ['me', 'a:b']],
    [{ username: 'me', password: 'b' }, ['me', 'b']],
    [{ auth: encoded, identitytoken: 'i' }, ['identity-token', 'i']],
    [{ registrytoken: 'r' }, ['bearer', 'r']],
    [{ auth: Buffer.from('<token>:t').toString('base64') }, ['identity-token', 't']],
    [{}, undefined],
    [{ auth: 'me' }, undefined],
    [{ auth: 7 }, undefined],
    ['x', undefined],
    [null, undefined],
  ])('the entry %j', async (entry, expected) => {
    const { sources } = sourcesOf([{ auths: { 'r.example': entry } }]);
    expect(open(await findCredential('r.example', sources, signal))).toEqual(expected);
  });
  test('the first file that has something counts', async () => {
    const other = Buffer.from('you:b').toString('base64');
    const { sources } = sourcesOf([
      undefined,
      { auths: { 'a.example': { auth: encoded } } },
      { auths: { 'a.example': { auth: other } } },
    ]);
    expect(open(await findCredential('a.example', sources, signal))).toEqual(['me', canary]);
    await sources.own.login('a.example', { kind: 'basic', username: 'own', password: new Secret('c') }, signal);
    expect(open(await findCredential('a.example', sources, signal))).toEqual(['own', 'c']);
  });
  test.each(['{', '[]', 'null', `{"auths": "${canary}`, `{"auths": {"a.example": ${canary}}}`])(
    'a broken file is told of, and the next is read: %s',
    async (text) => {
      const { sources, warnings } = sourcesOf([text, { auths: { 'a.example': { auth: encoded } } }]);
      expect(open(await findCredential('a.example', sources, signal))).toEqual(['me', canary]);
      expect(warnings).toHaveLength(1);
      expect(warnings[0]).not.toContain(canary);
    },
  );
  test.each([0o644, 0o600])(
    'S1.4: our own file, when it cannot be used (mode %o), is told of, and the next is read',
    async (mode) => {
      const { sources, warnings } = sourcesOf([{ auths: { 'a.example': { auth: encoded } } }]);
      const path = join(folder, 'own-broken.json');
      writeFileSync(
        path,
        mode === 0o600 ? `{"auths": "${canary}` : JSON.stringify({ auths: { 'b.example': { auth: encoded } } }),
        {
          mode,
        },
      );
      const broken = { ...sources, own: createOwnStore(path) };
      expect(open(await findCredential('a.example', broken, signal))).toEqual(['me', canary]);
      expect(await findCredential('b.example', broken, signal)).toBeUndefined();
      expect(warnings).toHaveLength(2);
      expect(warnings[0]).toContain(path);
      expect(warnings.join('')).not.toContain(canary);
    },
  );
  test('a directory or an endless file is no file of credentials', async () => {
    const { sources, warnings } = sourcesOf([]);
    mkdirSync(join(folder, 'd'));
    expect(await findCredential('a.example', { ...sources, foreign: [join(folder, 'd'), '/dev/zero'] }, signal)).toBeUndefined();
    expect(warnings).toHaveLength(2);
  });
});

describe('helpers', () => {
  const found = { status: 0, stdout: JSON.stringify({ ServerURL: 'x', Username: 'me', Secret: canary }) };
  test('the one of a host before the one of the file, and both before the file itself', async () => {
    const file = { credHelpers: { 'a.example': 'one' }, credsStore: 'all', auths: { 'a.example': { auth: 'x' } } };
    const { sources, calls } = sourcesOf([file], found);
    expect(open(await findCredential('a.example', sources, signal))).toEqual(['me', canary]);
    await findCredential('b.example', sources, signal);
    await findCredential('docker.io', sources, signal);
    expect(calls).toEqual([
      'docker-credential-one get a.example',
      'docker-credential-all get b.example',
      'docker-credential-all get https://index.docker.io/v1/',
    ]);
  });
  test('an identity token', async () => {
    const stdout = JSON.stringify({ Username: '<token>', Secret: canary });
    const { sources } = sourcesOf([{ credsStore: 'all' }], { status: 0, stdout });
    expect(open(await findCredential('a.example', sources, signal))).toEqual(['identity-token', canary]);
  });
  test.each([
    [{ status: 1, stdout: 'credentials not found in native keychain' }, 0],
    [{ status: 1, stdout: `boom ${canary}` }, 1],
    [{ status: 0, stdout: canary }, 1],
    [{ status: undefined, stdout: '' }, 1],
  ])('that has nothing: %j', async (answer, told) => {
    const { sources, warnings } = sourcesOf([{ credsStore: 'all', auths: { 'a.example': { auth: encoded } } }], answer);
    expect(open(await findCredential('a.example', sources, signal))).toEqual(['me', canary]);
    expect(warnings).toHaveLength(told);
    expect(warnings.join('')).not.toContain(canary);
  });
  test.each(['../x', '-x', 'a b', 'x/y', ''])('called %j are not run', async (name) => {
    const { sources, calls } = sourcesOf([{ credsStore: name }], found);
    expect(await findCredential('a.example', sources, signal)).toBeUndefined();
    expect(calls).toEqual([]);
  });
  test('that cannot be run', async () => {
    const { sources, warnings } = sourcesOf([{ credsStore: 'all' }]);
    const run = () => Promise.reject(new Error(canary));
    expect(await findCredential('a.example', { ...sources, run }, signal)).toBeUndefined();
    expect(warnings).toEqual(['docker-credential-all cannot be run']);
  });
  test('a search that is cancelled ends with its reason', async () => {
    const { sources } = sourcesOf([{ credsStore: 'all' }]);
    const controller = new AbortController();
    const run = () => {
      controller.abort(new Error('enough'));
      return Promise.reject(new Error('killed'));
    };
    await expect(findCredential('a.example', { ...sources, run }, controller.signal)).rejects.toThrow('enough');
  });
});

describe('our own file', () => {
  test('is made, changed and emptied, and only its user can read it', async () => {
    const store = createOwnStore(own);
    expect(await store.logout('a.example', signal)).toBe(false);
    expect(existsSync(own)).toBe(false);
    await store.login('https://A.example/', user, signal);
    await store.login('docker.io', { kind: 'identity-token', token: new Secret('i') }, signal);
    expect(statSync(own).mode & 0o777).toBe(0o600);
    expect(statSync(join(folder, 'portkit')).mode & 0o777).toBe(0o700);
    expect(open(await store.credentialFor('a.example'))).toEqual(['me', canary]);
    expect(open(await store.credentialFor('index.docker.io'))).toEqual(['identity-token', 'i']);
    expect(new Map(await store.list())).toEqual(
      new Map([
        ['a.example', 'me'],
        ['docker.io', undefined],
      ]),
    );
    expect(await store.logout('a.example', signal)).toBe(true);
    expect(await store.logout('a.example', signal)).toBe(false);
    expect(await store.credentialFor('a.example')).toBeUndefined();
    expect(readdirSync(join(folder, 'portkit'))).toEqual(['auth.json', 'auth.json.lock']);
  });
  test('forgets what a killed login left', async () => {
    const store = createOwnStore(own);
    const left = `${own}.new`;
    await store.login('a.example', user, signal);
    writeFileSync(left, encoded);
    await store.logout('a.example', signal);
    expect(readdirSync(join(folder, 'portkit')).toSorted()).toEqual(['auth.json', 'auth.json.lock']);
    symlinkSync(join(folder, 'elsewhere'), left);
    await store.login('a.example', user, signal);
    expect(existsSync(join(folder, 'elsewhere'))).toBe(false);
    expect(open(await store.credentialFor('a.example'))).toEqual(['me', canary]);
  });

  test('keeps what it does not know', async () => {
    mkdirSync(join(folder, 'portkit'));
    const before = {
      later: { x: [1] },
      auths: { 'a.example': { auth: 'x', identitytoken: 'old', note: 1 }, 'b.example': { y: 2 } },
    };
    writeFileSync(own, JSON.stringify(before), { mode: 0o600 });
    await createOwnStore(own).login('a.example', user, signal);
    expect(JSON.parse(readFileSync(own, 'utf8'))).toEqual({
      later: { x: [1] },
      auths: { 'a.example': { auth: encoded, note: 1 }, 'b.example': { y: 2 } },
    });
  });
  test('takes logins of many at once', async () => {
    const store = createOwnStore(own);
    const hosts = Array.from({ length: 12 }, (_, index) => `h${index}.example`);
    await Promise.all(hosts.map((host) => store.login(host, user, signal)));
    expect([...(await store.list()).keys()].toSorted((a, b) => a.localeCompare(b))).toEqual(
      hosts.toSorted((a, b) => a.localeCompare(b)),
    );
  });
  test.each([0o640, 0o604, 0o660, 0o610])('is refused when others may use it (%o)', async (mode) => {
    mkdirSync(join(folder, 'portkit'));
    writeFileSync(own, '{}');
    chmodSync(own, mode);
    const store = createOwnStore(own);
    expect((await failureOf(store.credentialFor('a.example'))).code).toBe('PK4040');
    expect((await failureOf(store.login('a.example', user, signal))).code).toBe('PK4040');
    expect(readFileSync(own, 'utf8')).toBe('{}');
  });
  test('is refused when it is a symbolic link, a folder or no JSON', async () => {
    mkdirSync(join(folder, 'portkit'));
    writeFileSync(join(folder, 'real'), '{}', { mode: 0o600 });
    symlinkSync(join(folder, 'real'), own);
    const store = createOwnStore(own);
    expect((await failureOf(store.login('a.example', user, signal))).code).toBe('PK4040');
    expect(readFileSync(join(folder, 'real'), 'utf8')).toBe('{}');
    rmSync(own);
    mkdirSync(own);
    expect((await failureOf(store.credentialFor('a.example'))).code).toBe('PK4040');
    rmSync(own, { recursive: true });
    writeFileSync(own, `{"auths": ${canary}`, { mode: 0o600 });
    const failed = await failureOf(store.login('a.example', user, signal));
    expect(failed.code).toBe('PK4040');
    expect(failed.text).not.toContain(canary);
  });
  test.each(['', 'a b', 'a/b/c', '..', 'http://', 'a\nb', 'a'.repeat(256)])('knows no host %j', async (host) => {
    expect((await failureOf(createOwnStore(own).login(host, user, signal))).code).toBe('PK4041');
  });
  test.each([
    ['', canary],
    ['a:b', canary],
    ['a\nb', canary],
    ['me', ''],
  ])('takes no user %j with such a password', async (username, password) => {
    const failed = await failureOf(
      createOwnStore(own).login('a.example', { kind: 'basic', username, password: new Secret(password) }, signal),
    );
    expect(failed.code).toBe('PK4041');
    expect(failed.text).not.toContain(canary);
  });
});

test('all logins are listed, and none of their secrets', async () => {
  const listed = { status: 0, stdout: JSON.stringify({ 'https://c.example': 'carol', 'https://index.docker.io/v1/': 'dora' }) };
  const docker = {
    auths: { 'b.example': { auth: encoded }, 'c.example': {} },
    credsStore: 'all',
    credHelpers: { 'e.example': 'one' },
  };
  const { sources } = sourcesOf([docker], listed);
  await sources.own.login('a.example', user, signal);
  const logins = await listLogins(sources, signal);
  expect(logins.map(({ host, username, from }) => [host, username, from.replace(folder, '')])).toEqual([
    ['a.example', 'me', 'portkit'],
    ['b.example', 'me', '/0.json'],
    ['c.example', 'carol', 'docker-credential-all'],
    ['docker.io', 'dora', 'docker-credential-all'],
    ['e.example', undefined, 'docker-credential-one'],
  ]);
  expect(inspect(logins)).not.toContain(canary);
});

test('all of it on this machine: a helper program, then a registry that wants its answer', async () => {
  writeFileSync(
    join(folder, 'docker-credential-test'),
    `#!/bin/sh\nread -r host\necho "{\\"Username\\":\\"$1 $host\\",\\"Secret\\":\\"${canary}\\"}"\n`,
    { mode: 0o755 },
  );
  writeFileSync(join(folder, 'config.json'), JSON.stringify({ credsStore: 'test' }));
  const warnings: string[] = [];
  await using server = await startServer((request, response) => {
    if (request.headers.authorization === undefined) say(response, 401, { 'www-authenticate': 'Basic realm="x"' });
    else say(response, 200);
  });
  const env = { PATH: `${folder}:${process.env['PATH']}`, DOCKER_CONFIG: folder };
  using registries = registriesOf({ env, home: folder, warn: (message) => warnings.push(message) });
  await registries.client.check({ registry: server.host }, signal);
  const said = Buffer.from(server.seen[1]?.headers.authorization?.slice(6) ?? '', 'base64').toString();
  expect(said).toBe(`get ${server.host}:${canary}`);
  expect(warnings).toEqual([]);
  using without = registriesOf({ env: { ...env, PATH: '/nowhere' }, home: folder, warn: (message) => warnings.push(message) });
  expect((await failureOf(without.client.check({ registry: server.host }, signal))).code).toBe('PK4030');
  expect(warnings).toEqual(['docker-credential-test cannot be run']);
});

describe('a login for a host without TLS', () => {
  /** What a registry that is no neighbour is told by a user who has a login there, and what the user is told. */
  async function told(around: { readonly isDefined?: boolean }, env: Readonly<Record<string, string>> = {}) {
    writeFileSync(join(folder, 'config.json'), JSON.stringify({ auths: { 'far.example': { auth: encoded } } }));
    await using server = await startServer((request, response) => {
      if (request.headers.authorization === undefined) say(response, 401, { 'www-authenticate': 'Basic realm="x"' });
      else say(response, 200);
    });
    const warnings: string[] = [];
    const user = { env: { ...env, DOCKER_CONFIG: folder, http_proxy: server.origin }, home: folder };
    using registries = registriesOf({ ...user, warn: (message) => warnings.push(message) }, around);
    const repository = registries.repository(
      { registry: 'far.example', repository: 'r' },
      { access: 'pull', transport: 'plain-http' },
    );
    const there = await repository
      .exists(blobOf(Buffer.from('x')), signal)
      .catch((error: unknown) => (error as { code: string }).code);
    return { there, sent: server.seen.some(({ headers }) => headers.authorization !== undefined), warnings };
  }
  test('is not sent because a definition says so', async () => {
    const { there, sent, warnings } = await told({ isDefined: true });
    expect([there, sent]).toEqual(['PK4030', false]);
    expect(warnings).toEqual([expect.stringContaining('far.example are not sent without TLS')]);
  });
  test.each([
    ['far.example', true],
    ['near.example', false],
  ])('but when its user lists %s: %s', async (listed, isSent) => {
    const { sent, warnings } = await told({ isDefined: true }, { PORTKIT_REGISTRY_PLAIN_HTTP: listed });
    expect([sent, warnings.length === 0]).toEqual([isSent, isSent]);
  });
  test('and when its user says so on the command line', async () => {
    expect(await told({})).toEqual({ there: true, sent: true, warnings: [] });
  });
});

test('the files of a user', () => {
  expect(credentialFiles({}, '/home/me')).toEqual({
    own: '/home/me/.config/portkit/auth.json',
    foreign: ['/home/me/.docker/config.json', '/home/me/.config/containers/auth.json'],
  });
  expect(credentialFiles({ XDG_CONFIG_HOME: 'x', DOCKER_CONFIG: '', REGISTRY_AUTH_FILE: '' }, '/home/me')).toEqual(
    credentialFiles({}, '/home/me'),
  );
  const env = { DOCKER_CONFIG: '/d', REGISTRY_AUTH_FILE: '/r', XDG_RUNTIME_DIR: '/run/me', XDG_CONFIG_HOME: '/c' };
  expect(credentialFiles(env, '/home/me')).toEqual({
    own: '/c/portkit/auth.json',
    foreign: ['/d/config.json', '/r', '/run/me/containers/auth.json', '/c/containers/auth.json'],
  });
});
