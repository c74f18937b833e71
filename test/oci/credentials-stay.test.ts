import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { buffer } from 'node:stream/consumers';
import { Secret } from '../../src/oci/credentials/credential.ts';
import { mediaTypes } from '../../src/oci/model/media-types.ts';
import { bytesSource } from '../../src/oci/model/read.ts';
import { produceManifest } from '../../src/oci/model/produce.ts';
import { createRegistryClient } from '../../src/oci/registry/client.ts';
import { blobOf, canary, failureOf, patientWorld, piecesOf, repositoryAt, user } from './asking.ts';
import { say, startServer } from './server.ts';
import type { Handler, TestServer } from './server.ts';
import { emptyShelves, smallRegistry } from './small-registry.ts';

const signal = new AbortController().signal;
const blob = Buffer.alloc(100_000, 'x');
const descriptor = blobOf(blob);
const basic = `Basic ${Buffer.from(`me:${canary}`).toString('base64')}`;
const spellings = [canary, basic.slice(6), encodeURIComponent(canary), Buffer.from(canary).toString('base64url')];

/** Somebody who takes whatever comes, and must never be given anything that is secret. */
let attacker: TestServer;
let bodies: string[];
let answers: Handler = (_request, response) => say(response, 200);
beforeAll(async () => {
  attacker = await startServer(async (request, response) => {
    bodies.push((await buffer(request)).toString('latin1'));
    await answers(request, response);
  });
});
beforeEach(() => {
  bodies = [];
  answers = (_request, response) => say(response, 404);
});
afterAll(() => attacker[Symbol.asyncDispose]());

function checkAttacker(since: number): void {
  for (const seen of attacker.seen.slice(since)) {
    expect(Object.keys(seen.headers).filter((name) => /auth|cookie|token/i.test(name))).toEqual([]);
    for (const secret of spellings) expect(JSON.stringify(seen)).not.toContain(secret);
  }
  for (const secret of spellings) expect(bodies.join('\n')).not.toContain(secret);
}

/** Asks for the password first, so that there is something to lose. */
function guarded(handler: Handler): Handler {
  return (request, response) => {
    if (request.headers.authorization === basic) return handler(request, response);
    request.resume();
    return say(response, 401, { 'www-authenticate': 'Basic realm="x"' });
  };
}

/** What everything that can be asked for ends with, when the registry does this. */
async function askEverything(handler: Handler) {
  const since = attacker.seen.length;
  const failures: { code: unknown; text: string }[] = [];
  await using server = await startServer(guarded(handler));
  using repository = repositoryAt(server.host);
  const manifest = produceManifest({ artifactType: 'application/vnd.example', layers: [], subject: descriptor });
  const asks: (() => Promise<unknown>)[] = [
    () => repository.resolve('v1', signal),
    () => repository.fetch(descriptor, signal).then(buffer),
    () => repository.exists(descriptor, signal),
    () => repository.push(descriptor, piecesOf(blob), signal),
    () => repository.push(manifest.descriptor, bytesSource(manifest.bytes), signal),
    () => Array.fromAsync(repository.tags(signal)),
    () => Array.fromAsync(repository.referring.referrers(descriptor, signal)),
    () => repository.mounting.mount(descriptor, 'other', signal),
    () => repository.deleting.delete('v1', signal),
  ];
  for (const ask of asks) await ask().catch(async (error: unknown) => failures.push(await failureOf(Promise.reject(error))));
  expect(server.seen.some(({ headers }) => headers.authorization === basic)).toBe(true);
  checkAttacker(since);
  for (const { text } of failures) for (const secret of spellings) expect(text).not.toContain(secret);
  return { codes: new Set(failures.map(({ code }) => code)), reached: attacker.seen.length - since };
}

describe('GHSA-vh4v-2xq2-g5cg: redirects', () => {
  test.each([301, 302, 303, 307, 308])('%i to somebody else', async (status) => {
    const { reached } = await askEverything((_request, response) =>
      say(response, status, { location: `${attacker.origin}/got` }),
    );
    expect(reached).toBeGreaterThan(0);
  });
  test('away and back again', async () => {
    let back = '';
    const since = attacker.seen.length;
    answers = (_request, response) => say(response, 307, { location: back });
    await using server = await startServer(
      guarded((_request, response) => say(response, 307, { location: `${attacker.origin}/got` })),
    );
    back = `${server.origin}/v2/r/back`;
    using repository = repositoryAt(server.host);
    await failureOf(repository.resolve('v1', signal));
    checkAttacker(since);
    expect(server.seen.filter(({ path }) => path === '/v2/r/back').map(({ headers }) => headers.authorization)).toEqual([
      undefined,
    ]);
  });
  test.each([
    ['another address of the loopback', () => attacker.origin.replace('127.0.0.1', '[::ffff:127.0.0.1]'), undefined],
    ['a user name', () => attacker.origin.replace('//', '//me:pw@'), 'PK4034'],
    ['a file', () => 'file:///etc/passwd', 'PK4034'],
    ['a socket', () => 'unix:/run/docker.sock', 'PK4034'],
    ['no address', () => 'http://[', 'PK4034'],
    ['the credentials of a cloud', () => 'http://169.254.169.254/latest/meta-data', 'PK4034'],
    ['the same in IPv6', () => 'http://[::ffff:a9fe:a9fe]/latest', 'PK4034'],
    ['nobody', () => 'http://0.0.0.0/', 'PK4034'],
    ['itself', () => '/v2/r/manifests/v1', 'PK4034'],
  ])('to %s', async (_name, target, code) => {
    await using server = await startServer((_request, response) => say(response, 307, { location: target() }));
    using repository = repositoryAt(server.host);
    const failed = await failureOf(repository.resolve('v1', signal).then(() => Promise.reject(new Error('reached'))));
    if (code !== undefined) expect(failed.code).toBe(code);
  });
  test('more than five', async () => {
    await using server = await startServer((request, response) => say(response, 307, { location: `${request.url}x` }));
    using repository = repositoryAt(server.host);
    expect((await failureOf(repository.resolve('v1', signal))).code).toBe('PK4034');
    expect(server.seen).toHaveLength(6);
  });
});

describe('GHSA-jxpm-75mh-9fp7: places of uploads', () => {
  test.each([202, 201])('the blob may go elsewhere, the credentials may not (%i)', async (status) => {
    answers = (request, response) => say(response, request.method === 'PUT' ? 201 : 204);
    const { reached } = await askEverything((request, response) => {
      request.resume();
      if (request.method === 'POST') say(response, status, { location: `${attacker.origin}/upload` });
      else say(response, 404);
    });
    expect(reached).toBeGreaterThan(0);
  });
  test('parts that are sent on', async () => {
    answers = (request, response) =>
      request.headers['content-length'] === '0' || request.method === 'PATCH'
        ? say(response, 202, { location: '/next' })
        : say(response, 413);
    await askEverything((request, response) => {
      request.resume();
      if (request.method === 'POST') say(response, 202, { location: `${attacker.origin}/upload` });
      else say(response, 404);
    });
  });
});

test('GHSA-h7vf-4x9w-h99v: the next page of a list', async () => {
  const link = { link: `<${attacker.origin}/v2/r/tags/list?last=a>; rel="next"`, 'content-type': mediaTypes.index };
  const list = JSON.stringify({ name: 'r', tags: ['a'], schemaVersion: 2, manifests: [] });
  const { codes, reached } = await askEverything((_request, response) => say(response, 200, link, list));
  expect(codes).toContain('PK4034');
  expect(reached).toBe(0);
});

test('lists without an end, or in a circle', async () => {
  let page = 0;
  await using server = await startServer((request, response) => {
    const next = request.url?.includes('circle') === true ? '/v2/r/tags/list?circle' : `/v2/r/tags/list?page=${(page += 1)}`;
    say(response, 200, { link: `<${next}>; rel=next` }, JSON.stringify({ tags: ['a'] }));
  });
  using repository = repositoryAt(server.host);
  expect((await failureOf(Array.fromAsync(repository.tags(signal)))).code).toBe('PK4035');
  expect(server.seen).toHaveLength(1000);
});

describe('GHSA-xf85-363p-868w, GHSA-28r5-37g7-p6mq: realms', () => {
  /** What happens when the registry names this realm; `until` answers requests that have a token. */
  async function realm(name: string, options: Parameters<typeof repositoryAt>[1] = {}) {
    const since = attacker.seen.length;
    await using server = await startServer((request, response) => {
      request.resume();
      if (request.headers.authorization === 'Bearer good') return say(response, 404);
      return say(response, 401, { 'www-authenticate': `Bearer realm="${name}",service="s",scope="repository:r:pull"` });
    });
    using repository = repositoryAt(server.host, options);
    const failed = await repository.exists(descriptor, signal).then(
      (there) => ({ code: there, text: '' }),
      (error: unknown) => failureOf(Promise.reject(error)),
    );
    for (const secret of spellings) expect(failed.text).not.toContain(secret);
    return { code: failed.code, asked: attacker.seen.slice(since) };
  }
  test('of another port: nothing is sent', async () => {
    expect(await realm(`${attacker.origin}/token`)).toEqual({ code: 'PK4032', asked: [] });
  });
  test('of another port, for an identity token', async () => {
    const credentialFor = async () => ({ kind: 'identity-token' as const, token: new Secret(canary) });
    expect(await realm(`${attacker.origin}/token`, { credentialFor })).toEqual({ code: 'PK4032', asked: [] });
  });
  test.each([
    'http://169.254.169.254/token',
    'http://2852039166/token',
    'http://0xa9.0xfe.0xa9.0xfe/token',
    'http://[fe80::1]/token',
    'http://me:pw@127.0.0.1/token',
    'file:///etc/passwd',
    'unix:/run/x',
    'http://[',
    '',
  ])('%j', async (name) => {
    expect((await realm(name)).code).toMatch(/^PK403[0245]$/);
  });
  test('of another port without credentials: asked, and told nothing', async () => {
    answers = (_request, response) => say(response, 200, {}, JSON.stringify({ token: 'good' }));
    const { code, asked } = await realm(`${attacker.origin}/token`, { credentialFor: async () => undefined });
    expect(code).toBe(false);
    expect(asked.map(({ path, headers }) => [path, headers.authorization])).toEqual([
      ['/token?service=s&scope=repository%3Ar%3Apull%2Cpush', undefined],
    ]);
  });
  test('that sends on: not followed', async () => {
    answers = (_request, response) => say(response, 307, { location: '/again' });
    const { code, asked } = await realm(`${attacker.origin}/token`, { credentialFor: async () => undefined });
    expect([code, asked.length]).toEqual(['PK4030', 1]);
  });
  test.each(['{"token":"a\\r\\nx: y"}', '{"token":""}', '{"token":1}', '[]', 'x', '{"token":"\u{e9}"}'])(
    'that answers %s',
    async (text) => {
      answers = (_request, response) => say(response, 200, {}, text);
      const { code } = await realm(`${attacker.origin}/token`, { credentialFor: async () => undefined });
      expect(code).toBe('PK4035');
    },
  );
});

describe('names that lead to places near to us', () => {
  const cases = [
    ['10.1.2.3', 'PK4034'],
    ['127.0.0.1', 'PK4034'],
    ['::1', 'PK4034'],
    ['169.254.169.254', 'PK4034'],
    ['::ffff:10.0.0.1', 'PK4034'],
    ['64:ff9b::a00:1', 'PK4034'],
  ] as const;
  test.each(cases)('a public registry that points at %s', async (address, code) => {
    await using server = await startServer((_request, response) =>
      say(response, 307, { location: `http://internal.example:${new URL(server.origin).port}/` }),
    );
    // The registry is public by its name; that it is reached at all here is the work of the proxy.
    const lookup = ((name: string, _options: unknown, done: (error: null, found: unknown) => void) =>
      done(null, [
        { address: name === 'internal.example' ? address : '127.0.0.1', family: address.includes(':') ? 6 : 4 },
      ])) as never;
    const client = createRegistryClient({
      world: patientWorld().world,
      plainHttp: ['registry.example'],
      connections: { lookup, proxies: { http: server.origin, none: 'internal.example' } },
    });
    const repository = client.repository({ registry: 'registry.example:80', repository: 'r' }, { access: 'pull' });
    expect((await failureOf(repository.resolve('v1', signal))).code).toBe(code);
    expect(server.seen).toHaveLength(1);
    client[Symbol.dispose]();
  });
});

test('a name of this machine that leads away from it is not spoken to without TLS', async () => {
  const lookup = ((_name: string, _options: unknown, done: (error: null, found: unknown) => void) =>
    done(null, [{ address: '10.1.2.3', family: 4 }])) as never;
  using repository = repositoryAt('a.localhost:5000', { connections: { lookup } });
  expect((await failureOf(repository.resolve('v1', signal))).code).toBe('PK4034');
});

test('a name that leads to this machine as well is no neighbour of what it points at', async () => {
  await using inner = await startServer((_request, response) => say(response, 200));
  await using server = await startServer((_request, response) => say(response, 307, { location: `${inner.origin}/x` }));
  const addresses = ['127.0.0.1', '8.8.8.8'].map((address) => ({ address, family: 4 }));
  const lookup = ((_name: string, _options: unknown, done: (error: null, found: unknown) => void) =>
    done(null, addresses)) as never;
  using repository = repositoryAt(`evil.example:${new URL(server.origin).port}`, {
    plainHttp: ['evil.example'],
    connections: { lookup },
  });
  expect((await failureOf(repository.resolve('v1', signal))).code).toBe('PK4034');
  expect([server.seen.length, inner.seen.length]).toEqual([1, 0]);
});

test('an error of a server that repeats what it was told is not repeated', async () => {
  await using server = await startServer(
    guarded((request, response) => {
      request.resume();
      const told = request.headers.authorization ?? '';
      const errors = [{ code: told.slice(6), message: `${told} ${canary}`, detail: canary }, { code: 'DENIED' }];
      say(response, 403, { 'x-told': told }, JSON.stringify({ errors }));
    }),
  );
  using repository = repositoryAt(server.host);
  const { code, text } = await failureOf(repository.resolve('v1', signal));
  expect(code).toBe('PK4031');
  expect(text).toContain('DENIED');
  for (const secret of spellings) expect(text).not.toContain(secret);
});

test('a credential is only asked for by the host it is for', async () => {
  const asked: string[] = [];
  const credentialFor = async (host: string) => {
    asked.push(host);
    return user;
  };
  await using server = await startServer(guarded(smallRegistry(emptyShelves())));
  using repository = repositoryAt(server.host, { credentialFor });
  await repository.exists(descriptor, signal);
  await repository.exists(descriptor, signal);
  expect(asked).toEqual([server.host]);
  expect(server.seen.map(({ headers }) => headers.authorization)).toEqual([undefined, basic, basic]);
});
