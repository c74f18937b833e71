import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseChallenge } from '../../src/oci/registry/challenge.ts';
import { mayPointAt, nearnessOfAddress, nearnessOfHost } from '../../src/http/nearness.ts';
import { placeOf } from '../../src/oci/registry/place.ts';
import { retryAfter } from '../../src/oci/registry/retry.ts';
import { blobOf, failureOf, piecesOf, repositoryAt } from './asking.ts';
import { say, startServer } from './server.ts';
import type { Handler } from './server.ts';
import { emptyShelves, smallRegistry } from './small-registry.ts';

const signal = new AbortController().signal;
const blob = Buffer.alloc(1024 * 1024, 'x');
const descriptor = blobOf(blob);

describe('how near an address is', () => {
  test.each([
    ['8.8.8.8', 'public'],
    ['10.0.0.1', 'private'],
    ['172.31.255.255', 'private'],
    ['172.32.0.0', 'public'],
    ['192.168.1.1', 'private'],
    ['100.64.0.1', 'private'],
    ['127.9.9.9', 'loopback'],
    ['169.254.169.254', 'reserved'],
    ['0.0.0.0', 'reserved'],
    ['255.255.255.255', 'reserved'],
    ['::1', 'loopback'],
    ['::', 'reserved'],
    ['fe80::1%eth0', 'reserved'],
    ['fd00::1', 'private'],
    ['2606:4700::1', 'public'],
    ['::ffff:127.0.0.1', 'loopback'],
    ['::ffff:a9fe:a9fe', 'reserved'],
    ['::ffff:8.8.8.8', 'public'],
    ['64:ff9b::7f00:1', 'reserved'],
    ['64:ff9b::a9fe:a9fe', 'reserved'],
    ['64:ff9b::10.0.0.1', 'reserved'],
    ['64:ff9b::', 'reserved'],
    ['64:ff9b::8.8.8.8', 'public'],
    ['64:ff9b::808:808', 'public'],
    ['64:ff9b:1::808:808', 'private'],
    ['fd00:ec2::254', 'reserved'],
    ['fd20:ce::254', 'reserved'],
    ['100.100.100.200', 'reserved'],
    ['168.63.129.16', 'reserved'],
  ] as const)('%s is %s', (address, nearness) => {
    expect(nearnessOfAddress(address)).toBe(nearness);
  });
  test.each([
    ['http://2130706433/', 'loopback'],
    ['http://0x7f.1/', 'loopback'],
    ['http://017700000001/', 'loopback'],
    ['http://[::ffff:127.0.0.1]/', 'loopback'],
    ['http://localhost/', 'loopback'],
    ['http://localhost./', 'loopback'],
    ['http://a.localhost/', 'loopback'],
    ['http://notlocalhost/', undefined],
    ['http://localhost.example/', undefined],
    ['http://127.0.0.1.example/', undefined],
  ] as const)('the host of %s says %s', (url, nearness) => {
    expect(nearnessOfHost(new URL(url).hostname)).toBe(nearness);
  });
  test('nothing may point at what is nearer', () => {
    const all = ['public', 'private', 'loopback', 'reserved'] as const;
    for (const [i, from] of all.entries()) for (const [j, to] of all.entries()) expect(mayPointAt(from, to)).toBe(j <= i);
  });
});

describe('where a repository is', () => {
  test.each([
    ['127.0.0.1:5000', undefined, 'http://127.0.0.1:5000'],
    ['localhost', undefined, 'http://localhost'],
    ['[::1]:5000', undefined, 'http://[::1]:5000'],
    ['registry.example', undefined, 'https://registry.example'],
    ['10.0.0.1:5000', undefined, 'https://10.0.0.1:5000'],
    ['listed.example:5000', undefined, 'http://listed.example:5000'],
    ['all.example:1', undefined, 'http://all.example:1'],
    ['notlisted.example:5000', undefined, 'https://notlisted.example:5000'],
    ['registry.example', 'plain-http', 'http://registry.example'],
    ['localhost:5000', 'tls', 'https://localhost:5000'],
    ['docker.io', undefined, 'https://registry-1.docker.io'],
  ] as const)('%s (%s)', (registry, transport, origin) => {
    const name = { registry, repository: 'a/b', ...(transport === undefined ? {} : { transport }) };
    const place = placeOf(name, ['listed.example:5000', 'all.example']);
    expect([place.origin, place.url('tags/list').href]).toEqual([origin, `${origin}/v2/a/b/tags/list`]);
  });
  test.each([
    ['registry.example', '../x'],
    ['registry.example', 'a/../b'],
    ['registry.example', 'A'],
    ['registry.example', ''],
    ['user:pw@registry.example', 'a'],
    ['registry.example/x', '../a'],
    ['registry.example?', 'a'],
    ['a\r\nb.example', 'a'],
    ['registry.example:99999', 'a'],
  ])('%j %j is none', (registry, repository) => {
    expect(() => placeOf({ registry, repository }, [])).toThrow(/Malformed reference/);
  });
});

test('waits that are asked for', () => {
  const now = new Date('2026-01-01T00:00:00Z');
  expect(retryAfter('7', now)).toBe(7000);
  expect(retryAfter('Thu, 01 Jan 2026 00:00:09 GMT', now)).toBe(9000);
  expect(retryAfter('Wed, 31 Dec 2025 00:00:00 GMT', now)).toBe(0);
  for (const odd of [undefined, '', '-1', '1e9', 'soon', '9'.repeat(40)]) expect(retryAfter(odd, now)).toBe(0);
});

test('no challenge and no host is too odd to be read', () => {
  const parts = fc.constantFrom('Bearer', 'Basic', ' ', ',', '=', '"', '\\', 'realm', 'scope', 'https://a/t', '\u{e9}', '\t');
  fc.assert(
    fc.property(fc.array(parts, { maxLength: 40 }), (words) => {
      const challenge = parseChallenge(words.join(''));
      if (challenge?.scheme === 'bearer') expect(typeof challenge.realm).toBe('string');
      nearnessOfHost(words.join(''));
    }),
    { numRuns: 2000 },
  );
});

describe('answers without an end', () => {
  async function flooded(head: (...at: Parameters<Handler>) => void) {
    let sent = 0;
    await using server = await startServer((request, response) => {
      head(request, response);
      const more = () => {
        while (!response.destroyed && sent < 1 << 28 && response.write(Buffer.alloc(65_536, 0x20))) sent += 65_536;
      };
      response.on('drain', more);
      response.on('error', () => undefined);
      more();
    });
    using repository = repositoryAt(server.host);
    const { code } = await failureOf(Array.fromAsync(repository.tags(signal)));
    return { code, sent };
  }
  test('of an error', async () => {
    const { code, sent } = await flooded((_request, response) => response.writeHead(403));
    expect(code).toBe('PK4031');
    expect(sent).toBeLessThan(1 << 26);
  });
  test('of a list', async () => {
    const { code, sent } = await flooded((_request, response) => response.writeHead(200));
    expect(code).toBe('PK4006');
    expect(sent).toBeLessThan(1 << 26);
  });
  test('of the pages of a list', async () => {
    let page = 0;
    await using server = await startServer((_request, response) => {
      const tags = Array.from({ length: 60 }, (_, at) => `t${page}-${at}`);
      const padded = Buffer.concat([Buffer.from(JSON.stringify({ tags })), Buffer.alloc(4 << 20, 0x20)]).subarray(0, 4 << 20);
      say(response, 200, { link: `</v2/r/tags/list?page=${(page += 1)}>; rel="next"` }, padded);
    });
    using repository = repositoryAt(server.host);
    expect((await failureOf(Array.fromAsync(repository.tags(signal)))).code).toBe('PK4006');
    expect(page).toBe(17);
  });
  test('of a realm', async () => {
    const { code, sent } = await flooded((request, response) => {
      const challenge = { 'www-authenticate': `Bearer realm="http://${request.headers.host}/token"` };
      if (request.url?.startsWith('/token') === true) response.writeHead(200);
      else response.writeHead(401, challenge);
    });
    expect(code).toBe('PK4006');
    expect(sent).toBeLessThan(1 << 26);
  });
  test('that nobody reads', async () => {
    const closed = Promise.withResolvers<void>();
    await using server = await startServer((_request, response) => {
      response
        .writeHead(404)
        .on('close', closed.resolve)
        .on('error', () => undefined);
      const more = () => {
        while (!response.destroyed && response.write(Buffer.alloc(65_536, 0x20)));
      };
      response.on('drain', more);
      more();
    });
    using repository = repositoryAt(server.host);
    expect(await repository.resolve('v1', signal)).toBeUndefined();
    // Before the repository is done with.
    await closed.promise;
  });
  test('but a connection is kept after an answer without a body', async () => {
    const sockets = new Set<unknown>();
    await using server = await startServer((request, response) => {
      sockets.add(request.socket);
      say(response, 200, { 'content-length': String(descriptor.size) });
    });
    using repository = repositoryAt(server.host);
    for (let at = 0; at < 8; at += 1) expect(await repository.exists(descriptor, signal)).toBe(true);
    // The next question may be asked before the end of the answer was seen.
    expect(sockets.size).toBeLessThanOrEqual(2);
  });
  test('of headers', async () => {
    await using server = await startServer((_request, response) => say(response, 200, { long: 'x'.repeat(40_000) }));
    using repository = repositoryAt(server.host);
    expect((await failureOf(Array.fromAsync(repository.tags(signal)))).code).toBe('PK4035');
  });
  test('no HTTP at all', async () => {
    await using server = await startServer((request) => void request.socket.end('SSH-2.0-x\r\n'));
    using repository = repositoryAt(server.host);
    expect((await failureOf(Array.fromAsync(repository.tags(signal)))).code).toBe('PK4035');
  });
});

test('a push that is cancelled ends with its reason, and takes the upload back', async () => {
  const controller = new AbortController();
  await using server = await startServer(
    smallRegistry(emptyShelves(), async (request) => {
      if (request.method !== 'PUT') return false;
      request.resume();
      request.once('data', () => controller.abort(new Error('enough')));
      await new Promise((resolve) => request.on('close', resolve));
      return true;
    }),
  );
  using repository = repositoryAt(server.host);
  await expect(repository.push(descriptor, piecesOf(blob), controller.signal)).rejects.toThrow('enough');
  expect(server.seen.map(({ method }) => method)).toEqual(['HEAD', 'POST', 'PUT', 'DELETE']);
});

test('a source that cannot be read is the failure, and is not tried again', async () => {
  await using server = await startServer(smallRegistry(emptyShelves()));
  using repository = repositoryAt(server.host);
  let opened = 0;
  const source = {
    async *open() {
      opened += 1;
      yield blob.subarray(0, 10);
      throw new Error('unreadable');
    },
  };
  await expect(repository.push(descriptor, source, signal)).rejects.toThrow('unreadable');
  expect(opened).toBe(1);
});
