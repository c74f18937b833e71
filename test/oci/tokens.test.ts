import { buffer } from 'node:stream/consumers';
import { describe, expect, test } from 'vitest';
import { Secret } from '../../src/oci/credentials/credential.ts';
import { parseChallenge } from '../../src/oci/registry/challenge.ts';
import { createRegistryClient } from '../../src/oci/registry/client.ts';
import type { RegistryOptions } from '../../src/oci/registry/client.ts';
import { blobOf, canary, failureOf, patientWorld, piecesOf, user } from './asking.ts';
import { say, startServer } from './server.ts';
import type { Handler } from './server.ts';
import { emptyShelves, smallRegistry } from './small-registry.ts';

const signal = new AbortController().signal;
const blob = Buffer.alloc(50_000, 'x');
const descriptor = blobOf(blob);

describe('challenges', () => {
  test.each([
    ['Basic realm="x"', { scheme: 'basic' }],
    ['basic', { scheme: 'basic' }],
    ['Bearer realm="https://a/t"', { scheme: 'bearer', realm: 'https://a/t' }],
    ['BEARER REALM="a",Service="b, c",scope="d"', { scheme: 'bearer', realm: 'a', service: 'b, c', scope: 'd' }],
    ['Bearer realm=a, service=b', { scheme: 'bearer', realm: 'a', service: 'b' }],
    ['Bearer realm="a\\"b"', { scheme: 'bearer', realm: 'a"b' }],
    ['Basic realm="x", Bearer realm="a"', { scheme: 'bearer', realm: 'a' }],
    ['Negotiate abc==, Bearer realm="a"', { scheme: 'bearer', realm: 'a' }],
    ['Digest realm="x", Basic realm="y"', { scheme: 'basic' }],
    ['Bearer service="no realm"', undefined],
    ['Digest realm="x"', undefined],
    ['', undefined],
    [undefined, undefined],
    ['Bearer realm="unfinished', undefined],
    [`Bearer realm="${'a'.repeat(9000)}"`, undefined],
    ['"', undefined],
    [',,,', undefined],
  ])('%s', (header, expected) => {
    expect(parseChallenge(header)).toEqual(expected);
  });
  test('a long and odd one takes no time', () => {
    const before = process.hrtime.bigint();
    parseChallenge(`Bearer ${'a="\\'.repeat(1600)}`);
    parseChallenge(`${' '.repeat(8000)}"`);
    expect(Number(process.hrtime.bigint() - before) / 1e6).toBeLessThan(1000);
  });
});

interface Realm {
  /** Tokens that are given out, one after the other. */
  readonly tokens: readonly object[];
  /** Which tokens are taken, at this moment. */
  readonly taken: Set<string>;
}

/** A registry that wants tokens, and its realm at `/token`. */
function startGuarded({ tokens, taken }: Realm) {
  const shelves = emptyShelves();
  const asked: string[] = [];
  let given = 0;
  const handler = smallRegistry(shelves, async (request, response) => {
    if (request.url?.startsWith('/token') === true) {
      asked.push(
        `${request.method} ${request.url} ${request.headers.authorization ?? ''} ${(await buffer(request)).toString()}`.trim(),
      );
      say(response, 200, {}, JSON.stringify(tokens[Math.min(given, tokens.length - 1)]));
      given += 1;
      return true;
    }
    const token = /^Bearer (.*)$/.exec(request.headers.authorization ?? '')?.[1];
    if (token !== undefined && taken.has(token)) return false;
    request.resume();
    const realm = `http://${request.headers.host}/token`;
    say(response, 401, { 'www-authenticate': `Bearer realm="${realm}",service="s",scope="repository:victim:pull,push,delete"` });
    return true;
  });
  return startServer(handler).then((server) => Object.assign(server, { asked, shelves }));
}

function repositoryOf(host: string, options: Partial<RegistryOptions>, mountFrom: readonly string[] = []) {
  const client = createRegistryClient({ world: patientWorld().world, credentialFor: async () => user, ...options });
  return client.repository({ registry: host, repository: 'r' }, { access: 'push', mountFrom });
}

describe('tokens', () => {
  const basic = `Basic ${Buffer.from(`me:${canary}`).toString('base64')}`;
  test('oras#1084: one for all of a push, asked for once, with the scopes that we need and no others', async () => {
    await using server = await startGuarded({ tokens: [{ token: 't1' }], taken: new Set(['t1']) });
    const repository = repositoryOf(server.host, {}, ['other']);
    await Promise.all([1, 2, 3].map(() => repository.exists(descriptor, signal)));
    expect(await repository.push(descriptor, piecesOf(blob), signal)).toBe('stored');
    expect(server.asked).toEqual([
      `GET /token?service=s&scope=repository%3Ar%3Apull%2Cpush&scope=repository%3Aother%3Apull ${basic}`,
    ]);
  });
  test('of several repositories of one registry are not mixed up', async () => {
    await using server = await startGuarded({ tokens: [{ token: 't1' }, { token: 't2' }], taken: new Set(['t1', 't2']) });
    using client = createRegistryClient({ world: patientWorld().world });
    for (const repository of ['a', 'b', 'a']) {
      await client.repository({ registry: server.host, repository }, { access: 'pull' }).exists(descriptor, signal);
    }
    expect(server.asked).toEqual(['a', 'b'].map((name) => `GET /token?service=s&scope=repository%3A${name}%3Apull`));
  });
  test('that end in the middle are renewed once, and the body is sent again', async () => {
    const taken = new Set(['t1', 't2']);
    await using server = await startGuarded({ tokens: [{ access_token: 't1' }, { token: 't2' }], taken });
    const repository = repositoryOf(server.host, {});
    expect(await repository.exists(descriptor, signal)).toBe(false);
    taken.delete('t1');
    expect(await repository.push(descriptor, piecesOf(blob), signal)).toBe('stored');
    expect(server.asked).toHaveLength(2);
    expect(server.shelves.blobs.get(descriptor.digest)).toEqual(blob);
  });
  test('that are refused again and again: PK4030 with what to do', async () => {
    await using server = await startGuarded({ tokens: [{ token: 't1' }], taken: new Set() });
    const failed = await failureOf(repositoryOf(server.host, {}).exists(descriptor, signal));
    expect(failed.code).toBe('PK4030');
    expect(failed.text).toContain(`portkit login ${server.host}`);
    expect(server.asked).toHaveLength(1);
  });
  test('are used until shortly before they end', async () => {
    let ms = 0;
    const tokens = [{ token: 't1', expires_in: 100 }, { token: 't2', expires_in: 1 }, { token: 't3' }];
    await using server = await startGuarded({ tokens, taken: new Set(['t1', 't2', 't3']) });
    const world = { ...patientWorld().world, now: () => new Date(ms) };
    const repository = repositoryOf(server.host, { world });
    for (const [at, asked] of [
      [0, 1],
      [89_000, 1],
      [91_000, 2],
      [144_000, 2],
      [146_000, 3],
    ] as const) {
      ms = at;
      await repository.exists(descriptor, signal);
      expect(server.asked).toHaveLength(asked);
    }
  });
  test('for an identity token: it goes into the body of the request to the realm, and nowhere else', async () => {
    await using server = await startGuarded({ tokens: [{ access_token: 't1' }], taken: new Set(['t1']) });
    const credentialFor = async () => ({ kind: 'identity-token' as const, token: new Secret(canary) });
    expect(await repositoryOf(server.host, { credentialFor }).exists(descriptor, signal)).toBe(false);
    expect(server.asked).toEqual([
      `POST /token  service=s&grant_type=refresh_token&client_id=portkit&scope=repository%3Ar%3Apull%2Cpush&refresh_token=${canary}`,
    ]);
  });
  test('that were given beforehand are sent as they are', async () => {
    await using server = await startGuarded({ tokens: [], taken: new Set([canary]) });
    const credentialFor = async () => ({ kind: 'bearer' as const, token: new Secret(canary) });
    expect(await repositoryOf(server.host, { credentialFor }).exists(descriptor, signal)).toBe(false);
    expect(server.asked).toEqual([]);
  });
  test.each([`${canary}\n`, `${canary}\r\nx: y`, `${canary}\0`, `${canary} b`, `${canary}\u{20ac}`, ''])(
    'that no header can have are not sent (%j)',
    async (text) => {
      await using server = await startGuarded({ tokens: [], taken: new Set() });
      const credentialFor = async () => ({ kind: 'bearer' as const, token: new Secret(text) });
      const failed = await failureOf(repositoryOf(server.host, { credentialFor }).exists(descriptor, signal));
      expect(failed.code).toBe('PK4041');
      expect(failed.text).not.toContain(canary);
      expect(server.seen).toEqual([]);
    },
  );
  test('of a realm of another host that is trusted', async () => {
    await using realm = await startServer((_request, response) => say(response, 200, {}, '{"token":"t"}'));
    await using server = await startServer((request, response) => {
      if (request.headers.authorization === 'Bearer t') say(response, 200, { 'content-length': String(blob.length) });
      else say(response, 401, { 'www-authenticate': `Bearer realm="${realm.origin}/token"` });
    });
    const trustedRealms = [`${server.host}=${realm.host}`];
    expect(await repositoryOf(server.host, { trustedRealms }).exists(descriptor, signal)).toBe(true);
    expect(realm.seen.map(({ headers }) => headers.authorization)).toEqual([basic]);
    const others = [`x${server.host}=${realm.host}`, server.host, realm.host];
    expect((await failureOf(repositoryOf(server.host, { trustedRealms: others }).exists(descriptor, signal))).code).toBe(
      'PK4032',
    );
  });
});

describe('refusals', () => {
  test.each([
    [401, 'PK4030'],
    [403, 'PK4031'],
    [400, 'PK4036'],
    [404, 'PK4001'],
    [501, 'PK4035'],
  ])('%i is %s', async (status, code) => {
    await using server = await startServer((_request, response) => say(response, status));
    const repository = repositoryOf(server.host, {});
    expect((await failureOf(Array.fromAsync(repository.tags(signal)))).code).toBe(code);
  });
  test('a password for a registry that wants another proof', async () => {
    await using server = await startServer((_request, response) => say(response, 401, { 'www-authenticate': 'Negotiate' }));
    expect((await failureOf(repositoryOf(server.host, {}).exists(descriptor, signal))).code).toBe('PK4030');
    expect(server.seen.map(({ headers }) => headers.authorization)).toEqual([undefined]);
  });
});

describe('a login that is checked', () => {
  const check = async (handler: Handler, credential = user) => {
    await using server = await startServer(handler);
    using client = createRegistryClient({ world: patientWorld().world, credentialFor: async () => credential });
    await client.check({ registry: server.host }, signal);
    return server.seen.map(({ path, headers }) => [path, headers.authorization]);
  };
  const basic = `Basic ${Buffer.from(`me:${canary}`).toString('base64')}`;
  test('by a password', async () => {
    const handler: Handler = (request, response) =>
      request.headers.authorization === basic
        ? say(response, 200)
        : say(response, 401, { 'www-authenticate': 'Basic realm="x"' });
    expect(await check(handler)).toEqual([
      ['/v2/', undefined],
      ['/v2/', basic],
    ]);
    expect((await failureOf(check(handler, { ...user, username: 'you' } as typeof user))).code).toBe('PK4030');
  });
  test('by a realm that refuses it', async () => {
    const handler: Handler = (request, response) =>
      say(
        response,
        401,
        request.url === '/v2/' ? { 'www-authenticate': `Bearer realm="http://${request.headers.host}/token"` } : {},
      );
    expect((await failureOf(check(handler))).code).toBe('PK4030');
  });
  test('where no registry is', async () => {
    expect((await failureOf(check((_request, response) => say(response, 404)))).code).toBe('PK4035');
  });
});
