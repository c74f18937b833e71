import { describe, expect, test } from 'vitest';
import { createRegistryClient } from '../../src/oci/registry/client.ts';
import { blobOf, failureOf, patientWorld, piecesOf, repositoryAt } from './asking.ts';
import { say, startServer } from './server.ts';
import type { Handler, TestServer } from './server.ts';

const signal = new AbortController().signal;
const blob = Buffer.from('blob');
const descriptor = blobOf(blob);
const portOf = ({ origin }: TestServer): string => new URL(origin).port;
const kept = { 'content-length': '0' };

/** A name server: what each name leads to, one answer after the other, the last one for good. */
function namesOf(names: Readonly<Record<string, readonly (readonly string[])[]>>) {
  const asked: string[] = [];
  const lookup = ((name: string, _options: unknown, done: (error: null, found: unknown) => void) => {
    const answers = names[name] ?? [];
    const found = answers[asked.filter((one) => one === name).length] ?? answers.at(-1) ?? [];
    asked.push(name);
    done(
      null,
      found.map((address) => ({ address, family: address.includes(':') ? 6 : 4 })),
    );
  }) as never;
  return { asked, lookup };
}

describe('a connection that somebody near was allowed', () => {
  /** A registry that is public by what is known of it, since a proxy reaches it, and one on this machine; both point at `inner`. */
  async function asked(pointing: (inner: string) => Handler, ask: 'resolve' | 'push' | 'token') {
    const sockets = new Set<unknown>();
    await using inner = await startServer((request, response) => {
      sockets.add(request.socket);
      request.resume();
      say(response, request.method === 'PUT' ? 201 : 404, kept);
    });
    const handler = pointing(`http://inner.example:${portOf(inner)}/x`);
    await using near = await startServer(handler);
    await using proxy = await startServer(handler);
    const { lookup } = namesOf({ 'inner.example': [['127.0.0.1']] });
    using client = createRegistryClient({
      world: patientWorld().world,
      plainHttp: ['public.example'],
      connections: { lookup, proxies: { http: proxy.origin, none: 'inner.example' } },
    });
    const at = async (registry: string): Promise<unknown> => {
      const repository = client.repository({ registry, repository: 'r' }, { access: 'push' });
      if (ask === 'push') return repository.push(descriptor, { ...piecesOf(blob), isNeeded: true }, signal);
      return repository.resolve('v1', signal);
    };
    const first = await at(near.host).then(
      () => 'done',
      () => 'asked',
    );
    const before = inner.seen.length;
    // The connection is free by now.
    await new Promise((resolve) => setImmediate(resolve));
    const second = await failureOf(at('public.example:80'));
    return {
      first,
      before,
      code: second.code,
      after: inner.seen.length - before,
      proxied: proxy.seen.length,
      sockets: sockets.size,
    };
  }

  test('is not there for a public registry that sends on', async () => {
    const sent = await asked((inner) => (_request, response) => say(response, 307, { location: inner, ...kept }), 'resolve');
    expect(sent).toEqual({ first: 'done', before: 1, code: 'PK4034', after: 0, proxied: 1, sockets: 1 });
  });
  test('nor for its uploads', async () => {
    const uploads =
      (inner: string): Handler =>
      (request, response) => {
        request.resume();
        say(response, 202, { location: inner, ...kept });
      };
    expect(await asked(uploads, 'push')).toMatchObject({ first: 'done', before: 1, code: 'PK4034', after: 0 });
  });
  test('nor for its realm', async () => {
    const realms =
      (inner: string): Handler =>
      (_request, response) =>
        say(response, 401, { 'www-authenticate': `Bearer realm="${inner}"`, ...kept });
    expect(await asked(realms, 'token')).toMatchObject({ first: 'asked', before: 1, code: 'PK4034', after: 0 });
  });
});

test('a connection is used again for who is allowed the same', async () => {
  const sockets = new Set<unknown>();
  await using inner = await startServer((request, response) => {
    sockets.add(request.socket);
    say(response, 404, kept);
  });
  const { lookup } = namesOf({ 'inner.example': [['127.0.0.1']] });
  const to = `http://inner.example:${portOf(inner)}/x`;
  await using server = await startServer((_request, response) => say(response, 307, { location: to, ...kept }));
  using repository = repositoryAt(server.host, { connections: { lookup } });
  for (let at = 0; at < 8; at += 1) expect(await repository.resolve('v1', signal)).toBeUndefined();
  expect(inner.seen).toHaveLength(8);
  expect(sockets.size).toBeLessThanOrEqual(2);
});

test('a name of this machine that leads away from it is not followed, whoever points at it', async () => {
  const seen: unknown[] = [];
  await using server = await startServer((request, response) => {
    seen.push(request.url);
    say(response, 307, { location: `http://b.localhost:${portOf(server)}/x`, ...kept });
  });
  for (const address of ['10.1.2.3', '8.8.8.8']) {
    using repository = repositoryAt(server.host, {
      connections: namesOf({ 'b.localhost': [[address]] }),
      timeouts: { idleMs: 300, headersMs: 300 },
    });
    expect((await failureOf(repository.resolve('v1', signal))).code).toBe('PK4034');
  }
  expect(seen).toHaveLength(2);
});

describe('a name that changes to this machine', () => {
  test('is not followed to another port of its own', async () => {
    await using inner = await startServer((_request, response) => say(response, 200));
    await using server = await startServer((_request, response) =>
      say(response, 307, { location: `http://evil.example:${portOf(inner)}/x` }),
    );
    const { lookup, asked } = namesOf({ 'evil.example': [['127.0.0.1', '8.8.8.8'], ['127.0.0.1']] });
    using repository = repositoryAt(`evil.example:${portOf(server)}`, {
      plainHttp: ['evil.example'],
      connections: { lookup },
    });
    expect((await failureOf(repository.resolve('v1', signal))).code).toBe('PK4034');
    expect([server.seen.length, inner.seen.length, asked.length]).toEqual([1, 0, 2]);
  });
  test('is not followed where an upload goes on, either', async () => {
    // The registry is on this machine, so that it may point at the place; the place then says where it goes on itself.
    let next = '';
    await using inner = await startServer((request, response) => {
      request.resume();
      say(response, 201);
    });
    await using server = await startServer((request, response) => {
      request.resume();
      if (request.method === 'POST') return say(response, 202, { location: `http://place.example:${portOf(server)}/first` });
      if (request.method === 'PUT') return say(response, 413);
      if (request.url === '/first' && request.method === 'PATCH') return say(response, 202, { location: next });
      return say(response, 404);
    });
    next = `http://place.example:${portOf(inner)}/next`;
    const { lookup } = namesOf({ 'place.example': [['127.0.0.1', '8.8.8.8'], ['127.0.0.1']] });
    using repository = repositoryAt(server.host, { connections: { lookup } });
    expect((await failureOf(repository.push(descriptor, piecesOf(blob), signal))).code).toBe('PK4034');
    expect(inner.seen).toEqual([]);
  });
  test('but a port of its own that it had from the beginning is', async () => {
    await using token = await startServer((_request, response) => say(response, 404, kept));
    await using server = await startServer((_request, response) =>
      say(response, 307, { location: `http://here.example:${portOf(token)}/x` }),
    );
    const { lookup } = namesOf({ 'here.example': [['127.0.0.1']] });
    using repository = repositoryAt(`here.example:${portOf(server)}`, { plainHttp: ['here.example'], connections: { lookup } });
    expect(await repository.resolve('v1', signal)).toBeUndefined();
    expect(token.seen).toHaveLength(1);
  });
});
