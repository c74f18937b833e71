import { execFileSync, spawn } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, readdirSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { IncomingHttpHeaders, IncomingMessage, Server, ServerResponse } from 'node:http';
import { createServer as createRawServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import { createMessage, generateKey, revokeKey, sign } from 'openpgp';
import type { PrivateKey } from 'openpgp';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { digestOf } from '../base/digest.ts';
import type { FetchSpec } from '../graph/source-ops.ts';
import type { OpContext, Outcome } from '../solver/op.ts';
import { openParts } from '../store/parts/parts.ts';
import type { Parts } from '../store/parts/parts.ts';
import { createMemoryStore } from '../store/memory.ts';
import { fetchOp } from './fetch.ts';
import type { FetchWorld, Pins } from './fetch.ts';
import { createHttpClient } from './fetch/http.ts';
import { parseSource, redirected } from './fetch/url.ts';
import { runProgram } from './run-program.ts';
import { unxzWith } from './unxz.ts';

interface Seen {
  readonly url: string;
  readonly headers: IncomingHttpHeaders;
}
type Handler = (request: IncomingMessage, response: ServerResponse) => void;

const content = randomBytes(300_000);
const pinned = digestOf(content);
const stop = new AbortController();
let folder: string;
let parts: Parts;
let store: ReturnType<typeof createMemoryStore>;
let http: ReturnType<typeof createHttpClient>;
let servers: Server[];
let slept: number[];
let moved: (readonly [number, number | undefined])[];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'portkit-fetch-'));
  parts = openParts(join(folder, 'parts'), Date.now());
  store = createMemoryStore();
  http = createHttpClient({ env: {}, idleMs: 2000 });
  servers = [];
  slept = [];
  moved = [];
});

afterEach(async () => {
  http[Symbol.dispose]();
  for (const server of servers) {
    server.closeAllConnections();
    server.close();
  }
  parts[Symbol.dispose]();
  rmSync(folder, { recursive: true, force: true });
});

/** What is left of downloads. */
const left = (): readonly string[] => readdirSync(join(folder, 'parts')).filter((name) => name !== 'turns');

async function serve(handler: Handler): Promise<{ readonly url: string; readonly seen: Seen[] }> {
  const seen: Seen[] = [];
  const server = createServer((request, response) => {
    seen.push({ url: request.url ?? '', headers: request.headers });
    handler(request, response);
  });
  servers.push(server);
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  return { url: `http://127.0.0.1:${address.port}`, seen };
}

function world(more: Partial<FetchWorld> = {}): FetchWorld {
  return {
    blobs: store,
    http,
    parts,
    now: () => Date.parse('2026-11-21T00:00:00Z'),
    sleep: (ms) => Promise.resolve(void slept.push(ms)),
    jitter: () => 1,
    readKey: (path) => Promise.resolve(readFileSync(join(folder, path))),
    unxz: unxzWith(runProgram, '/usr/bin:/bin'),
    ...more,
  };
}

const context: OpContext = {
  signal: stop.signal,
  output: () => undefined,
  transfer: (done, total) => void moved.push([done, total]),
};

async function run(spec: Omit<FetchSpec, 'type'>, more: Partial<FetchWorld> = {}): Promise<Outcome> {
  const op = fetchOp({ type: 'fetch', ...spec }, world(more));
  await op.facts(context);
  return op.run([], context);
}

function failureOf(outcome: Outcome) {
  if (outcome.ok) throw new Error('expected a failure');
  return outcome.failure;
}

const good = { ok: true, outputs: [{ kind: 'blob', digest: pinned }] };

/** A server of `content` that understands Range and If-Range, as RFC 9110 says. */
function ranged(etag: string, body: Buffer = content): Handler {
  return (request, response) => {
    const from = Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? '')?.[1]);
    const fresh = request.headers['if-range'] === undefined || request.headers['if-range'] === etag;
    if (Number.isNaN(from) || !fresh) {
      response.writeHead(200, { etag, 'content-length': body.length }).end(body);
    } else {
      const rest = body.subarray(from);
      response.writeHead(206, {
        etag,
        'content-length': rest.length,
        'content-range': `bytes ${from}-${body.length - 1}/${body.length}`,
      });
      response.end(rest);
    }
  };
}

/** Sends the head and the first bytes of what it should, and cuts the connection when they have arrived. */
function cutAfter(bytes: number, handler: Handler): Handler {
  return (request, response) => {
    const cut = () => void ((moved.at(-1)?.[0] ?? 0) < bytes ? setImmediate(cut) : response.destroy());
    const end = (chunk: Buffer) => {
      moved = [];
      response.write(chunk.subarray(0, bytes), cut);
      return response;
    };
    handler(request, Object.assign(response, { end }));
  };
}

describe('a pinned file', () => {
  test('arrives, with progress, and leaves no partial file', async () => {
    const { url, seen } = await serve(ranged('"a"'));
    expect(await run({ url: `${url}/f`, digest: pinned })).toMatchObject(good);
    expect(content.equals(store.get(pinned) ?? Buffer.alloc(0))).toBe(true);
    expect(moved.at(-1)).toEqual([content.length, content.length]);
    expect(seen[0]?.headers['accept-encoding']).toBe('identity');
    expect(left()).toEqual([]);
  });

  test('by sha512 arrives under its sha256', async () => {
    const { url } = await serve(ranged('"a"'));
    const digest = `sha512:${createHash('sha512').update(content).digest('hex')}`;
    expect(await run({ url, digest })).toMatchObject(good);
    expect(failureOf(await run({ url, digest: `sha512:${'0'.repeat(128)}` })).code).toBe('PK3202');
  });

  test('is known by its digest alone: no network, and no URL in the key', async () => {
    const op = fetchOp({ type: 'fetch', url: 'http://127.0.0.1:1/a', digest: pinned }, world());
    expect(op.facts(context)).toEqual({ facts: { digest: pinned }, outputs: [{ kind: 'blob', digest: pinned }] });
    await store.write([content] as unknown as AsyncIterable<Uint8Array>, stop.signal);
    expect(await op.run([], context)).toMatchObject(good);
  });

  test('that is other bytes is refused and not kept', async () => {
    const { url, seen } = await serve(ranged('"a"', Buffer.from('evil')));
    const failure = failureOf(await run({ url, digest: pinned }));
    expect(failure.code).toBe('PK3202');
    expect(failure.message).toContain(digestOf('evil'));
    expect(store.get(digestOf('evil'))).toBeUndefined();
    expect(left()).toEqual([]);
    expect(seen).toHaveLength(1);
  });

  test.each([0, 1, 100])('of %i bytes arrives', async (size) => {
    const { url } = await serve(ranged('"a"', content.subarray(0, size)));
    expect(await run({ url, digest: digestOf(content.subarray(0, size)) })).toMatchObject({ ok: true });
  });

  test.each(['sha256:../../etc', 'sha256:abc', `SHA256:${'0'.repeat(64)}`, `sha1:${'0'.repeat(40)}`, `sha512:${'0'.repeat(64)}`])(
    'with the digest %s is refused (CVE-2024-3727)',
    async (digest) => {
      await expect(run({ url: 'http://127.0.0.1:1/', digest })).rejects.toMatchObject({ code: 'PK1002' });
    },
  );
});

describe('an unpinned file', () => {
  test('fails and says what to pin', async () => {
    const { url } = await serve(ranged('"a"'));
    const failure = failureOf(await run({ url }));
    expect(failure).toMatchObject({ code: 'PK3205', hint: expect.stringContaining(`sha256 = "${pinned.slice(7)}"`) });
  });

  test('takes its digest from the lock, which never sees credentials', async () => {
    const { url } = await serve(ranged('"a"'));
    const asked: string[] = [];
    const pin: Pins = { get: (at) => (asked.push(at), pinned) };
    expect(await run({ url: `${url.replace('//', '//user:canary@')}/f` }, { pin })).toMatchObject(good);
    expect(new Set(asked)).toEqual(new Set([`${url}/f`]));
  });

  test('is pinned to the bytes of today when pins are renewed', async () => {
    const { url } = await serve(ranged('"a"'));
    const lock = new Map<string, typeof pinned>();
    const pin: Pins = { get: (at) => lock.get(at), set: (at, digest) => void lock.set(at, digest) };
    const op = fetchOp({ type: 'fetch', url: `${url}/f` }, world({ pin }));
    expect(await op.facts(context)).toMatchObject({ facts: { digest: pinned } });
    expect(await op.run([], context)).toMatchObject(good);
    expect([...lock]).toEqual([[`${url}/f`, pinned]]);
  });

  test('that cannot be pinned today fails as a step', async () => {
    const pin: Pins = { get: () => undefined, set: () => expect.unreachable() };
    expect(failureOf(await run({ url: 'http://127.0.0.1:1/' }, { pin })).code).toBe('PK3201');
  });
});

describe('a bad network', () => {
  test('cut in the middle, goes on where it stopped', async () => {
    let requests = 0;
    const { url, seen } = await serve((request, response) => {
      requests += 1;
      (requests === 1 ? cutAfter(100_000, ranged('"a"')) : ranged('"a"'))(request, response);
    });
    expect(await run({ url, digest: pinned })).toMatchObject(good);
    expect(seen[1]?.headers).toMatchObject({ range: 'bytes=100000-', 'if-range': '"a"' });
    expect(slept).toEqual([500]);
  });

  test('is left to another process, which goes on where this one stopped', async () => {
    let handler: Handler = (request, response) => {
      if (request.headers.range === undefined) cutAfter(100_000, ranged('"a"'))(request, response);
      else response.writeHead(503).end();
    };
    const { url, seen } = await serve((request, response) => handler(request, response));
    expect(failureOf(await run({ url, digest: pinned })).code).toBe('PK3201');
    expect(left()).toHaveLength(2);
    handler = ranged('"a"');
    expect(await run({ url, digest: pinned })).toMatchObject(good);
    expect(seen.at(-1)?.headers.range).toBe('bytes=100000-');
  });

  test('outlives a process that is killed: the next one goes on', async () => {
    let stall = true;
    const { url, seen } = await serve((request, response) => {
      if (stall) response.writeHead(200, { etag: '"a"', 'content-length': content.length }).write(content.subarray(0, 100_000));
      else ranged('"a"')(request, response);
    });
    const program = `
      import { setTimeout } from 'node:timers/promises';
      import { fetchOp } from '${new URL('./fetch.ts', import.meta.url).href}';
      import { createHttpClient } from '${new URL('./fetch/http.ts', import.meta.url).href}';
      import { openParts } from '${new URL('../store/parts/parts.ts', import.meta.url).href}';
      const [folder, url, digest] = process.argv.slice(1);
      const parts = openParts(folder, Date.now());
      const world = { parts, blobs: { stat: async () => undefined }, http: createHttpClient({ env: {} }), now: Date.now, sleep: setTimeout, jitter: () => 0 };
      const { signal } = new AbortController();
      await fetchOp({ type: 'fetch', url, digest }, world).run([], { signal, output() {}, transfer() {} });`;
    const child = spawn(process.execPath, ['--input-type=module', '-e', program, join(folder, 'parts'), url, pinned], {
      stdio: 'inherit',
    });
    const ended = once(child, 'exit');
    await expect
      .poll(() => left().map((name) => statSync(join(folder, 'parts', name)).size), { timeout: 20_000 })
      .toContain(100_000);
    child.kill('SIGKILL');
    await ended;
    stall = false;
    expect(await run({ url, digest: pinned })).toMatchObject(good);
    expect(seen.at(-1)?.headers).toMatchObject({ range: 'bytes=100000-', 'if-range': '"a"' });
  });

  test('that has a newer file now, begins anew', async () => {
    let requests = 0;
    const { url } = await serve((request, response) => {
      requests += 1;
      if (requests === 1) cutAfter(1000, ranged('"old"', Buffer.alloc(300_000)))(request, response);
      else ranged('"new"')(request, response);
    });
    expect(await run({ url, digest: pinned })).toMatchObject(good);
  });

  test('whose leftovers were of another file, is asked for all of it once more', async () => {
    let requests = 0;
    const { url, seen } = await serve((request, response) => {
      requests += 1;
      const liar = ranged('"same"', requests === 1 ? Buffer.alloc(300_000) : content);
      (requests === 1 ? cutAfter(1000, liar) : liar)(request, response);
    });
    expect(await run({ url, digest: pinned })).toMatchObject(good);
    expect(seen.map(({ headers }) => headers.range)).toEqual([undefined, 'bytes=1000-', undefined]);
  });

  test.each([
    ['the wrong part', { 'content-range': 'bytes 5-9/10' }],
    ['no part', {}],
  ])('that answers with %s, begins anew', async (_, headers) => {
    let requests = 0;
    const { url } = await serve((request, response) => {
      requests += 1;
      if (requests === 1) cutAfter(1000, ranged('"a"'))(request, response);
      else if (requests === 2) response.writeHead(206, headers as Record<string, string>).end('xxxxx');
      else ranged('"a"')(request, response);
    });
    expect(await run({ url, digest: pinned })).toMatchObject(good);
  });

  test('that says the end was reached, is believed only when the digest is right', async () => {
    let requests = 0;
    const { url } = await serve((request, response) => {
      requests += 1;
      if (requests === 1) cutAfter(content.length, (_, to) => void to.writeHead(200).end(content))(request, response);
      else response.writeHead(416, { 'content-range': `bytes */${content.length}` }).end();
    });
    expect(await run({ url, digest: pinned })).toMatchObject(good);
  });

  test('waits as the server asks, in seconds or until a date', async () => {
    let requests = 0;
    const { url } = await serve((request, response) => {
      requests += 1;
      if (requests === 1) response.writeHead(429, { 'retry-after': '7' }).end();
      else if (requests === 2) response.writeHead(503, { 'retry-after': 'Sat, 21 Nov 2026 00:00:20 GMT' }).end();
      else ranged('"a"')(request, response);
    });
    expect(await run({ url, digest: pinned })).toMatchObject(good);
    expect(slept).toEqual([7000, 20_000]);
  });

  test('that stays broken is given up after five rounds, with the URL named', async () => {
    const { url, seen } = await serve((_, response) => void response.writeHead(500).end());
    const failure = failureOf(await run({ url: `${url}/f`, digest: pinned }));
    expect(failure).toMatchObject({ code: 'PK3201', message: expect.stringContaining(`${url}/f`) });
    expect(seen).toHaveLength(5);
    expect(slept).toEqual([500, 1000, 2000, 4000]);
  });

  test('that asks for an hour is not waited for', async () => {
    const { url, seen } = await serve((_, response) => void response.writeHead(503, { 'retry-after': '3600' }).end());
    expect(failureOf(await run({ url, digest: pinned })).code).toBe('PK3201');
    expect(seen).toHaveLength(1);
  });

  test('that falls silent is asked again', async () => {
    http[Symbol.dispose]();
    http = createHttpClient({ env: {}, idleMs: 50 });
    let requests = 0;
    const { url } = await serve((request, response) => {
      requests += 1;
      if (requests === 1) response.writeHead(200, { 'content-length': content.length }).write(content.subarray(0, 1));
      else ranged('"a"')(request, response);
    });
    expect(await run({ url, digest: pinned })).toMatchObject(good);
    expect(slept).toEqual([500]);
  });

  test('is left at once when the build is cancelled', async () => {
    const cancel = new AbortController();
    const { url } = await serve((_, response) => {
      response.writeHead(200, { 'content-length': 10 }).write('x');
      setImmediate(() => cancel.abort(new Error('enough')));
    });
    const op = fetchOp({ type: 'fetch', url, digest: pinned }, world());
    await expect(op.run([], { ...context, signal: cancel.signal })).rejects.toThrow('enough');
  });
});

test('downloads of the same at the same time do not disturb each other', async () => {
  let requests = 0;
  const { url } = await serve((request, response) => {
    requests += 1;
    (requests % 3 === 1 ? cutAfter(50_000 * requests, ranged('"a"')) : ranged('"a"'))(request, response);
  });
  const outcomes = await Promise.all(Array.from({ length: 6 }, () => run({ url, digest: pinned })));
  for (const outcome of outcomes) expect(outcome).toMatchObject(good);
  expect(left()).toEqual([]);
});

describe('mirrors', () => {
  test('are tried in order, without a wait', async () => {
    const gone = await serve((_, response) => void response.writeHead(404).end());
    const evil = await serve(ranged('"e"', Buffer.from('evil')));
    const right = await serve(ranged('"a"'));
    const last = await serve(ranged('"a"'));
    const mirrors = ['http://127.0.0.1:1/', evil.url, right.url, last.url];
    expect(await run({ url: gone.url, digest: pinned, mirrors })).toMatchObject(good);
    expect([gone.seen.length, evil.seen.length, right.seen.length, last.seen.length]).toEqual([1, 1, 1, 0]);
    expect(slept).toEqual([]);
  });

  test('that all fail say so, the worst first', async () => {
    const gone = await serve((_, response) => void response.writeHead(404).end());
    const evil = await serve(ranged('"e"', Buffer.from('evil')));
    const failure = failureOf(await run({ url: gone.url, digest: pinned, mirrors: [evil.url] }));
    expect(failure.code).toBe('PK3202');
    expect(failure.message).toContain('404');
  });
});

describe('a limit of bytes', () => {
  test('holds for what is announced and for what comes', async () => {
    const { url } = await serve(ranged('"a"'));
    expect(failureOf(await run({ url, digest: pinned, maxSize: 299_999 })).code).toBe('PK3204');
    expect(await run({ url, digest: pinned, maxSize: 300_000 })).toMatchObject(good);
    const endless = await serve((_, response) => {
      response.writeHead(200);
      const more = () => void response.write(content, more);
      more();
      response.on('error', () => undefined);
    });
    expect(failureOf(await run({ url: endless.url, maxSize: 10_000_000 })).code).toBe('PK3204');
  });

  test('holds for what the store has', async () => {
    await store.write([content] as unknown as AsyncIterable<Uint8Array>, stop.signal);
    const { url } = await serve(ranged('"a"'));
    expect(failureOf(await run({ url, digest: pinned, maxSize: 10 })).code).toBe('PK3204');
  });
});

describe('a hostile server', () => {
  const ok = 'HTTP/1.1 200 OK\r\n';
  test.each([
    ['nothing', ''],
    ['no HTTP', 'hello\r\n\r\n'],
    ['a header without end', `${ok}a: ${'x'.repeat(200_000)}`],
    ['two lengths (CL.CL)', `${ok}content-length: 4\r\ncontent-length: 5\r\n\r\nevil`],
    ['a length and chunks (CL.TE)', `${ok}content-length: 4\r\ntransfer-encoding: chunked\r\n\r\n4\r\nevil\r\n0\r\n\r\n`],
    ['a negative length', `${ok}content-length: -1\r\n\r\nevil`],
    ['a length of 2^64', `${ok}content-length: 18446744073709551616\r\n\r\nevil`],
    ['broken chunks', `${ok}transfer-encoding: chunked\r\n\r\nffffffffffffffffff\r\nevil`],
    ['a part that was not asked for', 'HTTP/1.1 206 Partial\r\ncontent-range: bytes 0-3/2\r\ncontent-length: 4\r\n\r\nevil'],
    ['a part of 2^70 bytes', `HTTP/1.1 206 Partial\r\ncontent-range: bytes 0-3/${2n ** 70n}\r\ncontent-length: 4\r\n\r\nevil`],
    ['another protocol', 'HTTP/1.1 101 Switching\r\nupgrade: x\r\nconnection: upgrade\r\n\r\nevil'],
    ['a status of no kind', 'HTTP/1.1 999 What\r\ncontent-length: 4\r\n\r\nevil'],
    ['a redirect to an odd port', 'HTTP/1.1 302 Found\r\nlocation: http://127.0.0.1:99999/\r\ncontent-length: 0\r\n\r\n'],
    ['an endless validator', `${ok}etag: "${'e'.repeat(9000)}"\r\ncontent-length: 4\r\n\r\nevil`],
    ['other bytes', `${ok}\r\nevil`],
  ])('that sends %s is a failure with a code, and nothing of it is kept', async (_, answer) => {
    const raw = createRawServer((socket) => {
      socket.on('error', () => undefined);
      socket.once('data', () => socket.end(answer));
    });
    await new Promise<void>((resolve) => void raw.listen(0, '127.0.0.1', resolve));
    const address = raw.address();
    const port = typeof address === 'object' ? address?.port : 0;
    const failure = failureOf(await run({ url: `http://127.0.0.1:${port}/`, digest: pinned }));
    expect(failure.code).toMatch(/^PK320[1-4]$/);
    expect(store.get(digestOf('evil'))).toBeUndefined();
    raw.close();
  });
});

describe('redirects', () => {
  test.each([301, 302, 303, 307, 308])(
    '%i to another host carries no credentials along (GHSA-vh4v-2xq2-g5cg)',
    async (status) => {
      const other = await serve(ranged('"a"'));
      const first = await serve((request, response) => {
        const location = request.url === '/a' ? '/b' : `${other.url}/c`;
        response.writeHead(status, { location }).end();
      });
      const url = `${first.url.replace('//', '//user:canary@')}/a`;
      expect(await run({ url, digest: pinned })).toMatchObject(good);
      const basic = `Basic ${Buffer.from('user:canary').toString('base64')}`;
      expect(first.seen.map(({ headers }) => headers.authorization)).toEqual([basic, basic]);
      expect(JSON.stringify(other.seen)).not.toMatch(/authorization|canary|cookie/i);
    },
  );

  test.each([
    ['in a loop', '/a', 'in a loop'],
    ['to a file', 'file:///etc/passwd', 'scheme file:'],
    ['to credentials', 'http://a:b@127.0.0.1:1/', 'holds credentials'],
    ['to nowhere', undefined, 'no usable place'],
    ['to nonsense', 'http://[', 'no usable place'],
  ])('%s are refused', async (_, location, text) => {
    const { url } = await serve((__, response) => void response.writeHead(302, location === undefined ? {} : { location }).end());
    const failure = failureOf(await run({ url: `${url}/a`, digest: pinned }));
    expect(failure).toMatchObject({ code: 'PK3203', message: expect.stringContaining(text) });
  });

  test('from https to http are refused', () => {
    const trail = { visited: [], source: parseSource('https://user:canary@host/a') };
    expect(() => redirected(trail, 'http://host/b')).toThrow(expect.objectContaining({ code: 'PK3203' }));
    expect(redirected(trail, '/b').source).toMatchObject({ shown: 'https://host/b', authorization: expect.any(String) });
    expect(redirected(trail, 'https://host:444/b').source.authorization).toBeUndefined();
  });

  test('more than five are refused', async () => {
    const { url, seen } = await serve((request, response) => void response.writeHead(302, { location: `${request.url}a` }).end());
    expect(failureOf(await run({ url, digest: pinned })).message).toContain('more than 5');
    expect(seen).toHaveLength(6);
  });
});

describe('proxies', () => {
  test('of the environment are used, and not for what no_proxy names; no password is shown', async () => {
    const proxy = await serve(ranged('"a"'));
    const direct = await serve(ranged('"a"'));
    const env = { http_proxy: proxy.url.replace('//', '//me:canary@'), no_proxy: '127.0.0.1' };
    using through = createHttpClient({ env });
    expect(await run({ url: 'http://example.invalid/f', digest: pinned }, { http: through })).toMatchObject(good);
    expect(proxy.seen[0]?.url).toBe('http://example.invalid/f');
    expect(await run({ url: direct.url, digest: digestOf('other') }, { http: through })).toMatchObject({ ok: false });
    expect(direct.seen).toHaveLength(1);
    using dead = createHttpClient({ env: { http_proxy: 'http://me:canary@127.0.0.1:1' } });
    const failure = failureOf(await run({ url: 'http://example.invalid/', digest: digestOf('x') }, { http: dead }));
    expect(failure.code).toBe('PK3201');
    expect(JSON.stringify(failure)).not.toContain('canary');
  });
});

describe('URLs', () => {
  test('show no credentials and no query in any failure', async () => {
    const { url } = await serve((_, response) => void response.writeHead(403).end('canary'));
    const secret = `${url.replace('//', '//canary:canary@')}/f?token=canary`;
    for (const at of [secret, secret.replace(url.slice(7), '127.0.0.1:1')]) {
      const op = fetchOp({ type: 'fetch', url: at }, world());
      expect(JSON.stringify([await op.facts(context), await op.run([], context)])).not.toContain('canary');
    }
  });

  // URL takes the last ones for http://u:p@h/, whose password provenance would not recognize.
  const odd = ['http:/u:p@h/', 'https:u:p@h/', 'http:///u:p@h/', String.raw`http:\\u:p@h/`, String.raw`http://\u:p@h/`];
  test.each(['ftp://h/f', 'data:,x', 'nothing', 'http://h/a\nb', 'file://host/x', 'http://%zz@h/', ...odd])(
    '%j are refused',
    async (url) => {
      await expect(run({ url })).rejects.toMatchObject({ code: 'PK3207' });
    },
  );

  test('of files are read where that is allowed', async () => {
    writeFileSync(join(folder, 'f'), content);
    const url = `file://${folder}/f`;
    expect(failureOf(await run({ url, digest: pinned })).code).toBe('PK3207');
    const bounds = { directory: folder };
    expect(await run({ url, digest: pinned }, { bounds })).toMatchObject(good);
    expect(failureOf(await run({ url: `file://${folder}`, digest: digestOf('') }, { bounds })).code).toBe('PK3203');
    execFileSync('mkfifo', [join(folder, 'pipe')]);
    expect(failureOf(await run({ url: `file://${folder}/pipe`, digest: digestOf('') }, { bounds })).message).toContain(
      'no regular',
    );
    symlinkSync('/etc/passwd', join(folder, 'out'));
    for (const path of [`${folder}/out`, '/etc/passwd', `${folder}/../x`, `${folder}/missing`]) {
      expect(failureOf(await run({ url: `file://${path}`, digest: digestOf('') }, { bounds })).code).toBe('PK3208');
    }
  });

  test('that are answered in a coding are refused', async () => {
    const { url } = await serve(
      (_, response) => void response.writeHead(200, { 'content-encoding': 'gzip' }).end(gzipSync(content)),
    );
    expect(failureOf(await run({ url, digest: pinned })).message).toContain('content encoding');
  });
});

describe('a signature', () => {
  const date = new Date('2026-01-01T00:00:00Z');
  async function keyOf(options: { readonly expires?: number } = {}) {
    const made = await generateKey({
      userIDs: [{ name: 'x' }],
      format: 'object',
      date,
      ...(options.expires === undefined ? {} : { keyExpirationTime: options.expires }),
    });
    return { ...made, armoured: made.publicKey.armor(), fingerprint: made.publicKey.getFingerprint() };
  }
  async function signed(bytes: Uint8Array, key: PrivateKey, format: 'armored' | 'binary' = 'armored') {
    const message = await createMessage({ binary: new Uint8Array(bytes) });
    return format === 'armored'
      ? sign({ message, signingKeys: key, detached: true, date, format })
      : sign({ message, signingKeys: key, detached: true, date, format });
  }
  async function serveBoth(body: Buffer, signature: string | Uint8Array) {
    return serve((request, response) => void response.writeHead(200).end(request.url === '/sig' ? signature : body));
  }

  test('by a pinned key is believed; the key may be text or a file, the signature armoured or binary', async () => {
    const key = await keyOf();
    writeFileSync(join(folder, 'key'), key.publicKey.write());
    for (const [format, from] of [
      ['armored', key.armoured],
      ['binary', 'key'],
    ] as const) {
      const { url } = await serveBoth(content, await signed(content, key.privateKey, format));
      const signature = { url: `${url}/sig`, keys: [from], fingerprints: [key.fingerprint.toUpperCase()] };
      expect(await run({ url, digest: pinned, signature })).toMatchObject({ ...good, detail: { signer: key.fingerprint } });
      expect(failureOf(await run({ url, signature })).hint).toContain(`signed by ${key.fingerprint}`);
    }
  });

  test('is a part of the key and is asked for although the store has the content', async () => {
    const key = await keyOf();
    const { url, seen } = await serveBoth(content, await signed(content, key.privateKey));
    await store.write([content] as unknown as AsyncIterable<Uint8Array>, stop.signal);
    const signature = { url: `${url}/sig`, keys: [key.armoured], fingerprints: [key.fingerprint] };
    const op = fetchOp({ type: 'fetch', url, digest: pinned, signature }, world());
    expect(await op.facts(context)).toEqual({
      facts: { digest: pinned, 'signed by': key.fingerprint, 'signature of': 'file' },
    });
    expect(await op.run([], context)).toMatchObject(good);
    expect(seen.map(({ url: path }) => path)).toEqual(['/sig']);
  });

  test.each([
    ['gzip', gzipSync(content)],
    ['zstd', zstdCompressSync(content)],
    ['xz', execFileSync('xz', ['-0c'], { input: content })],
    ['nothing', content],
  ])('over the uncompressed bytes holds for %s', async (_, body) => {
    const key = await keyOf();
    const { url } = await serveBoth(body, await signed(content, key.privateKey));
    const signature = { url: `${url}/sig`, keys: [key.armoured], fingerprints: [key.fingerprint], of: 'uncompressed' as const };
    expect(await run({ url, digest: digestOf(body), signature })).toMatchObject({ ok: true });
    if (body === content) return;
    const plain = failureOf(await run({ url, digest: digestOf(body), signature: { ...signature, of: 'file' } }));
    expect(plain.code).toBe('PK3206');
  });

  test('over compressed bytes that are damaged, or larger than allowed, is refused', async () => {
    const key = await keyOf();
    const body = gzipSync(Buffer.alloc(10_000_000)).fill(0xff, 3000, 3100);
    const { url } = await serveBoth(body, await signed(content, key.privateKey));
    const signature = { url: `${url}/sig`, keys: [key.armoured], fingerprints: [key.fingerprint], of: 'uncompressed' as const };
    expect(failureOf(await run({ url, digest: digestOf(body), signature })).code).toBe('PK3304');
    expect(failureOf(await run({ url, digest: digestOf(body), signature, maxSize: 1_000_000 })).code).toBe('PK3303');
  });

  test('by another key, over other bytes, or of no form is refused', async () => {
    const [key, other] = [await keyOf(), await keyOf()];
    const cases = [
      await signed(content, other.privateKey),
      await signed(Buffer.from('other'), key.privateKey),
      'nonsense',
      '',
      '-----BEGIN PGP SIGNATURE-----\n\nAAAA\n-----END PGP SIGNATURE-----\n',
    ];
    for (const one of cases) {
      const { url } = await serveBoth(content, one);
      const signature = { url: `${url}/sig`, keys: [key.armoured, other.armoured], fingerprints: [key.fingerprint] };
      expect(failureOf(await run({ url, digest: pinned, signature })).code).toBe('PK3206');
    }
  });

  test('takes full fingerprints only, and a key that has one', async () => {
    const key = await keyOf();
    const { url } = await serveBoth(content, await signed(content, key.privateKey));
    const signature = { url: `${url}/sig`, keys: [key.armoured], fingerprints: ['0'.repeat(40)] };
    expect(failureOf(await run({ url, digest: pinned, signature })).code).toBe('PK3207');
    const short = { ...signature, fingerprints: [key.fingerprint.slice(-16)] };
    await expect(run({ url, digest: pinned, signature: short })).rejects.toMatchObject({ code: 'PK3207' });
    const broken = { ...signature, keys: ['-----BEGIN PGP PUBLIC KEY BLOCK-----'] };
    expect(failureOf(await run({ url, digest: pinned, signature: broken })).code).toBe('PK3207');
  });

  test('by a key that has expired is believed for pinned content only', async () => {
    const key = await keyOf({ expires: 3600 });
    const { url } = await serveBoth(content, await signed(content, key.privateKey));
    const signature = { url: `${url}/sig`, keys: [key.armoured], fingerprints: [key.fingerprint] };
    expect(await run({ url, digest: pinned, signature })).toMatchObject(good);
    expect(failureOf(await run({ url, signature })).code).toBe('PK3206');
  });

  test('by a key that was revoked is refused', async () => {
    const key = await keyOf();
    const { publicKey } = await revokeKey({ key: key.privateKey, date, format: 'object' });
    const { url } = await serveBoth(content, await signed(content, key.privateKey));
    const signature = { url: `${url}/sig`, keys: [publicKey.armor()], fingerprints: [key.fingerprint] };
    expect(failureOf(await run({ url, digest: pinned, signature })).code).toBe('PK3206');
  });
});
