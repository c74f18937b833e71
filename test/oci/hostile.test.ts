import { once } from 'node:events';
import { createServer } from 'node:net';
import type { AddressInfo, Socket } from 'node:net';
import { gzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { Secret } from '../../src/oci/credentials/credential.ts';
import { mediaTypes } from '../../src/oci/model/media-types.ts';
import { createRegistryClient } from '../../src/oci/registry/client.ts';
import { blobOf, canary, failureOf, patientWorld, piecesOf, repositoryAt } from './asking.ts';
import { say, startServer } from './server.ts';
import { emptyShelves, smallRegistry } from './small-registry.ts';

const signal = new AbortController().signal;
const blob = Buffer.from('blob');
const descriptor = blobOf(blob);

/** A server of bytes on the loopback: whatever is done to each connection. */
async function startRaw(talk: (socket: Socket) => void) {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined);
    talk(socket);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    host: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}

const { world } = patientWorld();
const timeouts = { idleMs: 80, headersMs: 80 };

describe('what comes drop by drop is not waited for', () => {
  /** A server that begins like this, and then says a little now and then. */
  const dripping = (first: Buffer, drop: Buffer) =>
    startRaw((socket) => {
      socket.write(first);
      const timer = setInterval(() => socket.write(drop), 20);
      socket.on('close', () => clearInterval(timer));
    });
  async function asked(host: string, transport: 'tls' | 'plain-http') {
    using client = createRegistryClient({ world, timeouts });
    const began = performance.now();
    const repository = client.repository({ registry: host, repository: 'r', transport }, { access: 'pull' });
    const { code } = await failureOf(repository.resolve('v1', signal));
    return { code, isSoon: performance.now() - began < 5000 };
  }
  test.each([
    ['empty lines', '', '\r\n'],
    ['a header', 'HTTP/1.1 200 OK\r\nlong: ', 'x'],
    ['many headers', 'HTTP/1.1 200 OK\r\n', 'a: b\r\n'],
  ])('%s', async (_name, first, drop) => {
    await using server = await dripping(Buffer.from(first), Buffer.from(drop));
    expect(await asked(server.host, 'plain-http')).toEqual({ code: 'PK4033', isSoon: true });
  });
  test('the beginning of TLS', async () => {
    // A record that announces 16 KiB, of a handshake that announces as much.
    await using server = await dripping(Buffer.from([0x16, 3, 3, 0x3f, 0xff, 2, 0, 0x3f, 0xf0, 3, 3]), Buffer.from([0]));
    expect(await asked(server.host, 'tls')).toEqual({ code: 'PK4033', isSoon: true });
  });
});

test('a document that comes drop by drop is not waited for', async () => {
  let realm: string | undefined;
  await using server = await startServer((request, response) => {
    if (realm !== undefined && request.url?.startsWith('/realm') !== true) {
      return say(response, 401, { 'www-authenticate': `Bearer realm="${realm}"` });
    }
    response.writeHead(request.url?.includes('/blobs/') === true ? 403 : 200, { 'content-type': mediaTypes.index });
    const timer = setInterval(() => response.write(' '), 20);
    response.on('close', () => clearInterval(timer));
  });
  const slow = { idleMs: 5000, headersMs: 80 };
  using repository = repositoryAt(server.host, { timeouts: slow, credentialFor: async () => undefined });
  expect((await failureOf(repository.resolve('v1', signal))).code).toBe('PK4033');
  expect((await failureOf(Array.fromAsync(repository.tags(signal)))).code).toBe('PK4033');
  // What is wrong is known by its status; the words for it are not needed.
  expect((await failureOf(repository.fetch(descriptor, signal))).code).toBe('PK4031');
  realm = `${server.origin}/realm`;
  expect((await failureOf(repository.resolve('v1', signal))).code).toBe('PK4033');
});

test('a blob may take its time', async () => {
  await using server = await startServer(async (_request, response) => {
    response.writeHead(200, { 'content-length': String(blob.length) });
    for (const byte of blob) {
      response.write(Buffer.of(byte));
      await new Promise((resolve) => setTimeout(resolve, 40));
    }
    response.end();
  });
  using repository = repositoryAt(server.host, { timeouts: { idleMs: 5000, headersMs: 80 } });
  const content = await repository.fetch(descriptor, signal);
  expect(Buffer.concat(await Array.fromAsync(content))).toEqual(blob);
  expect(server.seen).toHaveLength(1);
});

describe('nothing is deleted at others', () => {
  test('because an upload was to go on there, and failed', async () => {
    await using other = await startServer((request, response) => {
      request.resume();
      say(response, 400);
    });
    await using server = await startServer((request, response) => {
      request.resume();
      say(response, request.method === 'POST' ? 202 : 404, { location: `${other.origin}/index` });
    });
    using repository = repositoryAt(server.host);
    expect((await failureOf(repository.push(descriptor, piecesOf(blob), signal))).code).toBe('PK4036');
    await repository.mounting.mount(descriptor, 'other', signal);
    expect(other.seen.map(({ method }) => method)).toEqual(['PUT']);
  });
  test('because a registry sends on there', async () => {
    await using other = await startServer((_request, response) => say(response, 202));
    await using server = await startServer((request, response) =>
      request.url?.endsWith('/moved') === true
        ? say(response, 202)
        : say(response, 307, { location: request.url?.endsWith('/here') === true ? '/moved' : `${other.origin}/index` }),
    );
    using repository = repositoryAt(server.host);
    expect((await failureOf(repository.deleting.delete('v1', signal))).code).toBe('PK4034');
    expect(await repository.deleting.delete('here', signal)).toBe(true);
    expect(other.seen).toEqual([]);
  });
});

test('another protocol that a registry wants to go on with is not spoken', async () => {
  await using server = await startRaw((socket) => {
    socket.once('data', () => socket.write('HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: x\r\n\r\nmore'));
  });
  using repository = repositoryAt(server.host, { timeouts });
  expect((await failureOf(repository.resolve('v1', signal))).code).toBe('PK4033');
});

describe('a credential that no header can have', () => {
  test.each(['a\r\nx-evil: 1', 'a\nb', 'a b', 'a\u0000', 'caf\u00e9', '\u{1f511}'])(
    '%j is not sent, and not shown',
    async (text) => {
      await using server = await startServer((_request, response) => say(response, 200));
      const credential = { kind: 'bearer' as const, token: new Secret(`${canary}${text}`) };
      using repository = repositoryAt(server.host, { credentialFor: async () => (text === '' ? undefined : credential) });
      if (text === '') {
        await repository.exists(descriptor, signal);
        expect(server.seen).toHaveLength(1);
        return;
      }
      const failed = await failureOf(repository.exists(descriptor, signal));
      expect(failed.code).toBe('PK4041');
      expect(failed.text).not.toContain(canary);
      expect(server.seen).toEqual([]);
    },
  );
});

describe('encoded answers', () => {
  const bomb = gzipSync(Buffer.alloc(64 << 20));
  test.each(['gzip', 'x-gzip', 'br', 'gzip, gzip', 'deflate', 'zstd'])(
    '%s: not decoded, wherever they come from',
    async (encoding) => {
      let realm = '';
      await using server = await startServer((request, response) => {
        const encoded = { 'content-encoding': encoding, 'content-type': mediaTypes.index };
        if (request.url?.includes('/manifests/token') !== true) return say(response, 200, encoded, bomb);
        return say(response, 401, { 'www-authenticate': `Bearer realm="${realm}"` });
      });
      realm = `${server.origin}/realm`;
      using repository = repositoryAt(server.host, { credentialFor: async () => undefined });
      for (const ask of [
        () => repository.resolve('v1', signal),
        () => repository.resolve('token', signal),
        () => Array.fromAsync(repository.tags(signal)),
        () => repository.fetch({ ...descriptor, size: bomb.length }, signal).then(Array.fromAsync),
      ]) {
        expect((await failureOf(ask())).code).toBe('PK4035');
      }
    },
  );
});

describe('addresses', () => {
  test.each(['?', '', '?a', '?a=b&'])('of an upload that end with %j get the digest and nothing else', async (end) => {
    const shelves = emptyShelves();
    await using server = await startServer(
      smallRegistry(shelves, (request, response) => {
        if (request.method === 'POST') say(response, 202, { location: `/v2/r/blobs/uploads/1${end}` });
        return request.method === 'POST';
      }),
    );
    using repository = repositoryAt(server.host);
    expect(await repository.push(descriptor, piecesOf(blob), signal)).toBe('stored');
    expect([...shelves.blobs.keys()]).toEqual([descriptor.digest]);
  });
  test.each([
    '<?p=2>; rel="next"',
    '<?p=2>;rel=next',
    '<?p=2>; type="x"; rel="next"',
    '<?p=2>; rel="next"; type="x"',
    '<?p=9>; rel="prev", <?p=2>; rel="next"',
    '<?p=2> ; REL="next"',
    '<?p=2>; rel="last next"',
  ])('of a next page: %s', async (link) => {
    await using server = await startServer((request, response) =>
      request.url?.endsWith('?p=2') === true
        ? say(response, 200, {}, JSON.stringify({ tags: ['b'] }))
        : say(response, 200, { link }, JSON.stringify({ tags: ['a'] })),
    );
    using repository = repositoryAt(server.host);
    expect(await Array.fromAsync(repository.tags(signal))).toEqual(['a', 'b']);
  });
  test.each(['<?p=2>; rel="nextone"', '<?p=2>; rel="prev"', '<?p=2>; xrel="next"', '?p=2; rel="next"', '<?p=2>, rel="next"'])(
    'of no next page: %s',
    async (link) => {
      await using server = await startServer((_request, response) =>
        say(response, 200, { link }, JSON.stringify({ tags: ['a'] })),
      );
      using repository = repositoryAt(server.host);
      expect(await Array.fromAsync(repository.tags(signal))).toEqual(['a']);
    },
  );
  test('in a header that is long and odd take no time', async () => {
    for (const link of ['<'.repeat(30_000), '<a>;'.repeat(7_500), `<a>${'; '.repeat(15_000)}`, `<a>;${' '.repeat(30_000)}`]) {
      await using server = await startServer((_request, response) =>
        say(response, 200, { link }, JSON.stringify({ tags: ['a'] })),
      );
      using repository = repositoryAt(server.host);
      const began = performance.now();
      expect(await Array.fromAsync(repository.tags(signal))).toEqual(['a']);
      expect(performance.now() - began).toBeLessThan(500);
    }
  });
});
