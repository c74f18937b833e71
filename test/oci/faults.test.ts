import { randomBytes } from 'node:crypto';
import { buffer } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { mediaTypes } from '../../src/oci/model/media-types.ts';
import { bytesSource } from '../../src/oci/model/read.ts';
import type { RegistryRepository } from '../../src/oci/registry/repository.ts';
import { produceManifest } from '../../src/oci/model/produce.ts';
import { blobOf, failureOf, patientWorld, piecesOf, received, repositoryAt } from './asking.ts';
import { say, startServer } from './server.ts';
import { emptyShelves, sendBlob, smallRegistry } from './small-registry.ts';

const signal = new AbortController().signal;
const blob = randomBytes(2 * 1024 * 1024 + 321);
const descriptor = blobOf(blob);
const step = 64 * 1024;
const cuts = Array.from({ length: Math.ceil(blob.length / step) }, (_, index) => index * step);

/** A blob as a stream, and piece by piece. */
const ways = [
  ['as a stream', async (from: RegistryRepository) => buffer(await from.fetch(descriptor, signal))],
  ['piece by piece', (from: RegistryRepository) => received(from, descriptor, 0)],
] as const;

describe('connections that are cut', () => {
  test.each(cuts)('a push, after %i bytes: it is begun anew', async (cut) => {
    const shelves = emptyShelves();
    let cutsLeft = 1;
    await using server = await startServer(
      smallRegistry(shelves, async (request) => {
        if (request.method !== 'PUT' || cutsLeft === 0) return false;
        cutsLeft -= 1;
        let received = 0;
        for await (const chunk of request) if ((received += (chunk as Buffer).length) >= cut) break;
        request.socket.destroy();
        return true;
      }),
    );
    using repository = repositoryAt(server.host);
    const source = piecesOf(blob);
    expect(await repository.push(descriptor, source, signal)).toBe('stored');
    expect(shelves.blobs.get(descriptor.digest)?.equals(blob)).toBe(true);
    expect(source.opened).toBe(2);
  });

  test.each(ways)('a pull, %s, every 64 KiB: it goes on where it was', async (_, pull) => {
    await using server = await startServer((request, response) => {
      const from = Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? '')?.[1] ?? 0);
      const range = from === 0 ? {} : { 'content-range': `bytes ${from}-${blob.length - 1}/${blob.length}` };
      response.writeHead(from === 0 ? 200 : 206, { 'content-length': String(blob.length - from), ...range });
      response.write(blob.subarray(from, from + step), () => {
        if (from + step < blob.length) response.destroy();
        else response.end();
      });
    });
    using repository = repositoryAt(server.host);
    expect((await pull(repository)).equals(blob)).toBe(true);
    expect(server.seen.map(({ headers }) => headers.range)).toEqual(cuts.map((at) => (at === 0 ? undefined : `bytes=${at}-`)));
  });

  test.each(ways)('a pull, %s, from a registry that knows no ranges', async (_, pull) => {
    let cutsLeft = 1;
    await using server = await startServer((_request, response) => {
      response.writeHead(200, { 'content-length': String(blob.length) });
      if (cutsLeft === 0) response.end(blob);
      else response.write(blob.subarray(0, 100_000), () => response.destroy());
      cutsLeft -= 1;
    });
    using repository = repositoryAt(server.host);
    expect((await pull(repository)).equals(blob)).toBe(true);
  });

  test.each(ways)('a pull, %s, that never brings anything: PK4033 after five tries', async (_, pull) => {
    const { world, waits } = patientWorld();
    await using server = await startServer((_request, response) => {
      response.writeHead(200, { 'content-length': String(blob.length) });
      response.write(blob.subarray(0, 10), () => response.destroy());
    });
    using repository = repositoryAt(server.host, { world });
    expect((await failureOf(pull(repository))).code).toBe('PK4033');
    expect(waits).toEqual([200, 600, 1800, 5000]);
  });

  test('a rest that another process began is taken from its offset on', async () => {
    const shelves = emptyShelves();
    shelves.blobs.set(descriptor.digest, blob);
    await using server = await startServer(smallRegistry(shelves));
    using repository = repositoryAt(server.host);
    const rest = await received(repository, descriptor, 1_000_000);
    expect(rest.equals(blob.subarray(1_000_000))).toBe(true);
    expect(server.seen[0]?.headers.range).toBe('bytes=1000000-');
    expect(await received(repository, descriptor, blob.length)).toHaveLength(0);
    expect(server.seen).toHaveLength(1);
  });

  test.each(['bytes 5-999/1000', 'bytes 0-999/1000', 'bytes */1000', 'lines 10-999/1000', undefined])(
    'a rest that says it is %s, and not the one that was asked for',
    async (range) => {
      await using server = await startServer((_request, response) =>
        say(response, 206, range === undefined ? {} : { 'content-range': range }, Buffer.alloc(990)),
      );
      using repository = repositoryAt(server.host);
      const rest = received(repository, { ...descriptor, size: 1000 }, 10);
      expect((await failureOf(rest)).code).toBe('PK4003');
    },
  );
});

describe('servers that are busy', () => {
  test.each([408, 429, 500, 502, 503, 504])('status %i passes', async (status) => {
    const { world, waits } = patientWorld();
    const shelves = emptyShelves();
    let left = 4;
    await using server = await startServer(
      smallRegistry(shelves, (_request, response) => {
        if (left === 0) return false;
        left -= 1;
        say(response, status, { 'retry-after': '7' });
        return true;
      }),
    );
    using repository = repositoryAt(server.host, { world });
    expect(await repository.push(descriptor, piecesOf(blob), signal)).toBe('stored');
    expect(waits).toEqual([7000, 7000, 7000, 7000]);
  });

  test('a storm that does not end is an error of the network', async () => {
    await using server = await startServer((_request, response) => say(response, 503));
    using repository = repositoryAt(server.host);
    expect((await failureOf(repository.exists(descriptor, signal))).code).toBe('PK4033');
    expect(server.seen).toHaveLength(5);
  });

  test('who asks for an hour is not waited for', async () => {
    const { world, waits } = patientWorld();
    await using server = await startServer((_request, response) => say(response, 429, { 'retry-after': '3600' }));
    using repository = repositoryAt(server.host, { world });
    expect((await failureOf(repository.exists(descriptor, signal))).code).toBe('PK4033');
    expect(waits).toEqual([]);
  });

  test('silence ends', async () => {
    await using server = await startServer(() => undefined);
    using repository = repositoryAt(server.host, { timeouts: { idleMs: 20, headersMs: 1000 } });
    expect((await failureOf(repository.exists(descriptor, signal))).code).toBe('PK4033');
  });

  test('headers that never end are not waited for', async () => {
    await using server = await startServer((_request, response) => {
      const timer = setInterval(() => response.writeProcessing(), 5);
      response.on('close', () => clearInterval(timer));
    });
    using repository = repositoryAt(server.host, { timeouts: { idleMs: 1000, headersMs: 30 } });
    expect((await failureOf(repository.exists(descriptor, signal))).code).toBe('PK4033');
  });

  test('an abort ends it at once, with its own reason', async () => {
    const controller = new AbortController();
    await using server = await startServer(() => controller.abort(new Error('enough')));
    using repository = repositoryAt(server.host);
    await expect(repository.exists(descriptor, controller.signal)).rejects.toThrow('enough');
  });
});

describe('content that is not what it should be', () => {
  async function pulled(answer: Buffer, wanted = descriptor, headers: Record<string, string> = {}) {
    await using server = await startServer((_request, response) => {
      response.writeHead(200, headers);
      response.end(answer);
    });
    using repository = repositoryAt(server.host);
    return (await failureOf(repository.fetch(wanted, signal).then(buffer))).code;
  }
  test.each([
    ['another digest', Buffer.concat([blob.subarray(0, -1), Buffer.from([255 - (blob.at(-1) ?? 0)])])],
    ['too little', blob.subarray(0, -1)],
    ['too much', Buffer.concat([blob, Buffer.from('x')])],
    ['nothing', Buffer.alloc(0)],
  ])('%s', async (_name, answer) => {
    expect(await pulled(answer)).toBe('PK4003');
  });
  test('a body that is shorter than its length', async () => {
    expect(await pulled(blob, descriptor, { 'content-length': String(blob.length + 1) })).toBe('PK4003');
  });
  test('an encoding that was not asked for', async () => {
    expect(await pulled(blob, descriptor, { 'content-encoding': 'gzip' })).toBe('PK4035');
  });
  test.each([2 ** 63 - 1, -1, 1.5, Number.NaN])('GHSA-f36w-mj3v-6jqv: a size of %s', async (size) => {
    expect(await pulled(blob, { ...descriptor, size })).toBe('PK4002');
  });
  test.each(['sha256:../../x', `sha256:${'A'.repeat(64)}`, `sha256:${'a'.repeat(63)}`, `md5:${'a'.repeat(32)}`, 'x'])(
    'CVE-2024-3727: the digest %s',
    async (digest) => {
      expect(await pulled(blob, { ...descriptor, digest } as never)).toBe('PK1002');
    },
  );
  test('a source that is longer or shorter than it should be is not stored', async () => {
    const shelves = emptyShelves();
    await using server = await startServer(smallRegistry(shelves));
    using repository = repositoryAt(server.host);
    for (const size of [blob.length - 1, blob.length + 1]) {
      const push = repository.push({ ...descriptor, size }, piecesOf(blob), signal);
      expect((await failureOf(push)).code).toBe('PK4003');
    }
    const other = blobOf(Buffer.from('other'));
    expect((await failureOf(repository.push({ ...other, size: blob.length }, piecesOf(blob), signal))).code).toBe('PK4003');
    expect(shelves.blobs.size).toBe(0);
    expect(server.seen.filter(({ method }) => method === 'DELETE')).toHaveLength(3);
  });
});

describe('manifests', () => {
  const { descriptor: wanted, bytes } = produceManifest({ artifactType: 'application/vnd.example', layers: [] });
  const type = { 'content-type': mediaTypes.manifest };
  async function resolved(body: Buffer | Uint8Array, headers: Record<string, string> = type, name: string = 'v1') {
    await using server = await startServer((_request, response) => say(response, 200, headers, Buffer.from(body)));
    using repository = repositoryAt(server.host);
    return (await failureOf(repository.resolve(name, signal))).code;
  }
  test('one that is too large', async () => {
    expect(await resolved(Buffer.alloc(4 * 1024 * 1024 + 1, 0x20))).toBe('PK4006');
  });
  test('a descriptor that is too large is not even asked for', async () => {
    await using server = await startServer((_request, response) => say(response, 200));
    using repository = repositoryAt(server.host);
    const large = { ...wanted, size: 2 ** 40 };
    expect((await failureOf(repository.fetch(large, signal))).code).toBe('PK4006');
    expect((await failureOf(repository.push(large, bytesSource(bytes), signal))).code).toBe('PK4006');
    expect(server.seen.map(({ method }) => method)).toEqual(['HEAD']);
  });
  test('one of another digest than was asked for', async () => {
    expect(await resolved(bytes, type, `sha256:${'0'.repeat(64)}`)).toBe('PK4003');
  });
  test('a digest in the header that is a lie', async () => {
    expect(await resolved(bytes, { ...type, 'docker-content-digest': `sha256:${'0'.repeat(64)}` })).toBe('PK4003');
    expect(await resolved(bytes, { ...type, 'docker-content-digest': 'sha256:../..' })).toBe('PK4003');
  });
  test.each([mediaTypes.index, mediaTypes.dockerManifest, 'text/html', ''])('CVE-2021-41190: served as %j', async (served) => {
    expect(await resolved(bytes, { 'content-type': served })).toBe('PK4002');
  });
  test.each(['', '{', '[]', 'null', '{"schemaVersion":2,"layers":[],"manifests":[]}', '{"schemaVersion":2,"schemaVersion":2}'])(
    'the document %j',
    async (text) => {
      expect(await resolved(Buffer.from(text))).toBe('PK4002');
    },
  );
  test('a tag that moves is what it was when it was asked for', async () => {
    const later = produceManifest({ artifactType: 'application/vnd.later', layers: [] });
    let now = bytes;
    await using server = await startServer((request, response) => {
      if (request.url?.endsWith('/v1') !== true) return say(response, 404);
      say(response, 200, type, Buffer.from(now));
      now = later.bytes;
    });
    using repository = repositoryAt(server.host);
    const found = await repository.resolve('v1', signal);
    expect(found?.digest).toBe(wanted.digest);
    if (found !== undefined) expect(await buffer(await repository.fetch(found, signal))).toEqual(Buffer.from(bytes));
  });
  test('names that are none are not asked for', async () => {
    await using server = await startServer((_request, response) => say(response, 200));
    using repository = repositoryAt(server.host);
    for (const name of ['', '../x', 'a/b', 'a?b', 'a b', '-a', 'a'.repeat(129), 'a\r\nb']) {
      expect((await failureOf(repository.resolve(name, signal))).code).toBe('PK4005');
    }
    expect(server.seen).toEqual([]);
  });
});

describe('uploads of registries with habits of their own', () => {
  async function pushed(first: Parameters<typeof smallRegistry>[1]) {
    const shelves = emptyShelves();
    await using server = await startServer(smallRegistry(shelves, first));
    using repository = repositoryAt(server.host);
    const result = await repository.push(descriptor, piecesOf(blob), signal);
    return { result, shelves, seen: server.seen };
  }
  /** Keeps what comes in parts, and answers with `status`. */
  function chunked(shelves: Map<string, Buffer>, status = 202) {
    const parts: Buffer[] = [];
    return async (...[request, response]: Parameters<NonNullable<Parameters<typeof smallRegistry>[1]>>) => {
      if (request.method === 'PUT' && request.headers['content-length'] !== '0') {
        request.resume();
        say(response, 413);
        return true;
      }
      if (request.method === 'PATCH') {
        parts.push(await buffer(request));
        const end = Buffer.concat(parts).length - 1;
        if (status === 201) shelves.set(descriptor.digest, Buffer.concat(parts));
        say(response, status, { location: '/v2/r/blobs/uploads/2', range: `0-${end}` });
        return true;
      }
      if (request.method !== 'PUT') return false;
      shelves.set(descriptor.digest, Buffer.concat(parts));
      say(response, 201);
      return true;
    };
  }
  test.each([202, 201, 204])('too large for one request: parts, answered with %i', async (status) => {
    const kept = new Map<string, Buffer>();
    const take = chunked(kept, status);
    const { result, seen } = await pushed(async (request, response) => {
      if (request.method === 'HEAD' && kept.has(descriptor.digest)) {
        sendBlob(request, response, blob);
        return true;
      }
      return take(request, response);
    });
    expect(result).toBe('stored');
    expect(kept.get(descriptor.digest)?.equals(blob)).toBe(true);
    expect(seen.filter(({ method }) => method === 'PATCH').map(({ headers }) => headers['content-range'])).toEqual([
      `0-${blob.length - 1}`,
    ]);
  });
  test('parts that are too large, and one that is cut in the middle', async () => {
    const large = Buffer.alloc(9 * 1024 * 1024, 'x');
    const wanted = blobOf(large);
    const parts: Buffer[] = [];
    const held = () => Buffer.concat(parts).length;
    let cutsLeft = 1;
    await using server = await startServer(
      smallRegistry(emptyShelves(), async (request, response) => {
        const range = held() === 0 ? {} : { range: `0-${held() - 1}` };
        if (request.method === 'GET') {
          say(response, 204, { location: '/v2/r/blobs/uploads/again', ...range });
        } else if (request.method === 'PATCH' && Number(request.headers['content-length']) <= 4 * 1024 * 1024) {
          if (held() > 0 && cutsLeft > 0) {
            cutsLeft -= 1;
            parts.push((await firstPieces(request)).subarray(0, 1000));
            request.socket.destroy();
            return true;
          }
          parts.push(await buffer(request));
          say(response, 202, { location: '/v2/r/blobs/uploads/next', range: `0-${held() - 1}` });
        } else if (request.method === 'PATCH' || (request.method === 'PUT' && request.headers['content-length'] !== '0')) {
          request.resume();
          say(response, 413);
        } else if (request.method === 'PUT') say(response, 201);
        else return false;
        return true;
      }),
    );
    using repository = repositoryAt(server.host);
    expect(await repository.push(wanted, piecesOf(large), signal)).toBe('stored');
    expect(Buffer.concat(parts).equals(large)).toBe(true);
    const first = 4 * 1024 * 1024;
    expect(server.seen.filter(({ method }) => method === 'PATCH').map(({ headers }) => headers['content-range'])).toEqual([
      `0-${large.length - 1}`,
      `0-${first - 1}`,
      `${first}-${2 * first - 1}`,
      `${first + 1000}-${2 * first + 999}`,
      `${2 * first + 1000}-${large.length - 1}`,
    ]);
  });
  test('one that takes parts and forgets them again is given up', async () => {
    await using server = await startServer(
      smallRegistry(emptyShelves(), async (request, response) => {
        if (request.method === 'GET') say(response, 204, { range: '0-0' });
        else if (request.method === 'PATCH') {
          await buffer(request);
          say(response, 202, { range: '0-0' });
        } else if (request.method === 'PUT') {
          request.resume();
          say(response, 413);
        } else return false;
        return true;
      }),
    );
    using repository = repositoryAt(server.host);
    expect((await failureOf(repository.push(descriptor, piecesOf(blob), signal))).code).toBe('PK4035');
    expect(server.seen.length).toBeLessThan(100);
  });
  test('one that goes back and forth is given up', async () => {
    let asked = 0;
    await using server = await startServer(
      smallRegistry(emptyShelves(), async (request, response) => {
        asked += 1;
        if (asked > 400) say(response, 400);
        else if (request.method === 'GET') say(response, 204, { range: '0-0' });
        else if (request.method === 'PATCH' && /^[01]-/.test(request.headers['content-range'] ?? '')) {
          await buffer(request);
          say(response, 202, { range: '0-99' });
        } else if (request.method === 'PATCH') request.socket.destroy();
        else if (request.method === 'PUT') {
          request.resume();
          say(response, 413);
        } else return false;
        return true;
      }),
    );
    using repository = repositoryAt(server.host);
    expect((await failureOf(repository.push(descriptor, piecesOf(blob), signal))).code).toBe('PK4033');
    expect(asked).toBeLessThan(200);
  });
  test('a refusal before the end of a request: it is heard, and nothing is left open', async () => {
    const closed = Promise.withResolvers<string>();
    const large = Buffer.alloc(64 * 1024 * 1024);
    await using server = await startServer(
      smallRegistry(emptyShelves(), (request, response) => {
        if (request.method !== 'PUT') return false;
        request.socket.on('close', () => closed.resolve('closed'));
        say(response, 400, { 'content-type': 'application/json' }, '{"errors":[{"code":"SIZE_INVALID"}]}');
        return true;
      }),
    );
    using repository = repositoryAt(server.host);
    expect((await failureOf(repository.push(blobOf(large), piecesOf(large), signal))).text).toContain('SIZE_INVALID');
    expect(await Promise.race([closed.promise, sleep(1500, 'open')])).toBe('closed');
  });
  test.each([200, 202, 204])('an end that is answered with %i', async (status) => {
    const { result } = await pushed(async (request, response) => {
      if (request.method !== 'PUT') return false;
      await buffer(request);
      say(response, status);
      return true;
    });
    expect(result).toBe('stored');
  });
  test('no word about where it goes on', async () => {
    const push = pushed((request, response) => {
      if (request.method === 'POST') say(response, 202);
      return request.method === 'POST';
    });
    expect((await failureOf(push)).code).toBe('PK4035');
  });
  test('what the address of an upload has stays as it was', async () => {
    const { seen } = await pushed((request, response) => {
      if (request.method === 'POST') say(response, 202, { location: '/v2/r/blobs/uploads/a%2Fb?_state=x%2By==&z' });
      return request.method === 'POST';
    });
    expect(seen.find(({ method }) => method === 'PUT')?.path).toBe(
      `/v2/r/blobs/uploads/a%2Fb?_state=x%2By==&z&digest=${descriptor.digest}`,
    );
  });
  test('blobs that are kept under another digest', async () => {
    const push = pushed(async (request, response) => {
      if (request.method !== 'PUT') return false;
      await buffer(request);
      say(response, 201, { 'docker-content-digest': `sha512:${'0'.repeat(128)}` });
      return true;
    });
    expect((await failureOf(push)).code).toBe('PK4036');
  });
});

async function firstPieces(request: AsyncIterable<Buffer>): Promise<Buffer> {
  for await (const piece of request) return piece;
  return Buffer.alloc(0);
}
