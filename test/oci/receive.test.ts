import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import type { ServerResponse } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, describe, expect, test } from 'vitest';
import { createAgents } from '../../src/http/agents.ts';
import type { Agents } from '../../src/http/agents.ts';
import type { Answer } from '../../src/http/call.ts';
import { exchange } from '../../src/http/exchange.ts';
import { startServer } from './server.ts';
import type { Handler } from './server.ts';

const body = randomBytes(6_000_000);
const small = body.subarray(0, 3_000_000);
const failures = { of: () => new Error('failed'), tooSlow: () => new Error('slow') };
const certificate = makeCertificate();
const never = new AbortController().signal;

function makeCertificate(): { readonly key: string; readonly cert: string } {
  const folder = mkdtempSync(join(tmpdir(), 'portkit-receive-'));
  afterAll(() => rmSync(folder, { recursive: true }));
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-keyout', 'key'];
  const subject = ['-days', '3', '-subj', '/CN=here', '-addext', 'subjectAltName=IP:127.0.0.1'];
  execFileSync('openssl', ['req', '-x509', ...key, '-out', 'cert', ...subject], { cwd: folder, stdio: 'ignore' });
  const read = (name: string): string => readFileSync(join(folder, name), 'utf8');
  return { key: read('key'), cert: read('cert') };
}

function ask(agents: Agents, origin: string, { signal = never, idleMs = 10_000 } = {}): Promise<Answer> {
  const timeouts = { idleMs, headersMs: 10_000 };
  return exchange({ method: 'GET', url: new URL('/x', origin), signal }, agents, { timeouts, failures });
}

/** All that is given, each piece copied while it is there. */
async function received(answer: Answer): Promise<Buffer> {
  const pieces: Buffer[] = [];
  await answer.receive((piece) => void pieces.push(Buffer.from(piece)));
  return Buffer.concat(pieces);
}

const sized = { 'content-length': String(body.length) };

/** Writes in pieces, so that the client meets every kind of boundary. */
async function inPieces(response: ServerResponse, sizes: readonly number[]): Promise<void> {
  for (let at = 0, turn = 0; at < body.length; turn += 1) {
    const size = sizes[turn % sizes.length] ?? 1;
    if (!response.write(body.subarray(at, at + size))) await once(response, 'drain');
    at += size;
  }
  response.end();
}

describe.each([
  ['plain', undefined],
  ['TLS', certificate],
])('a body over %s', (_, tls) => {
  const connected = (): Agents => createAgents(tls === undefined ? {} : { authorities: [tls.cert] });
  const both = (handler: Handler) => startServer(handler, tls);

  test.each([
    ['at once', sized, [body.length]],
    ['in pieces', sized, [1, 70_000, 3, 1_000_000, 65_536]],
    ['in small pieces', sized, [9000]],
    ['without a size', {}, [100_000]],
  ] as const)('comes as it was sent %s', async (_name, headers, sizes) => {
    await using server = await both((_request, response) => {
      response.writeHead(200, headers);
      return inPieces(response, sizes);
    });
    using agents = connected();
    expect((await received(await ask(agents, server.origin))).equals(body)).toBe(true);
  });

  test('waits for who takes it, and is whole then', async () => {
    await using server = await both((_request, response) => void response.writeHead(200, sized).end(body));
    using agents = connected();
    const answer = await ask(agents, server.origin);
    await sleep(100);
    expect((await received(answer)).equals(body)).toBe(true);
  });

  test('is read as ever by who does not ask for pieces, and its connection is used again', async () => {
    const sockets = new Set<unknown>();
    await using server = await both((request, response) => {
      sockets.add(request.socket);
      response.writeHead(200, sized).end(body);
    });
    using agents = connected();
    for (let round = 0; round < 2; round += 1) {
      const pieces: Uint8Array[] = [];
      for await (const piece of (await ask(agents, server.origin)).body) pieces.push(piece);
      expect(Buffer.concat(pieces).equals(body)).toBe(true);
    }
    expect(sockets.size).toBe(1);
  });

  test('that is short leaves the connection for the next one', async () => {
    const sockets = new Set<unknown>();
    await using server = await both((request, response) => {
      sockets.add(request.socket);
      response.end('short');
    });
    using agents = connected();
    for (let round = 0; round < 2; round += 1) {
      expect((await received(await ask(agents, server.origin))).toString()).toBe('short');
      await sleep(10);
    }
    expect(sockets.size).toBe(1);
  });

  test('of middling size leaves the connection, too', async () => {
    const sockets = new Set<unknown>();
    await using server = await both((request, response) => {
      sockets.add(request.socket);
      response.writeHead(200, { 'content-length': String(small.length) }).end(small);
    });
    using agents = connected();
    for (let round = 0; round < 2; round += 1) {
      expect((await received(await ask(agents, server.origin))).equals(small)).toBe(true);
      await sleep(10);
    }
    expect(sockets.size).toBe(1);
  });

  test('that ends too early is a failure, and what came was right', async () => {
    await using server = await both(async (_request, response) => {
      response.writeHead(200, sized).write(body.subarray(0, 1_000_000));
      await sleep(50);
      response.destroy();
    });
    using agents = connected();
    const pieces: Buffer[] = [];
    const answer = await ask(agents, server.origin);
    await expect(answer.receive((piece) => void pieces.push(Buffer.from(piece)))).rejects.toThrow('failed');
    expect(Buffer.concat(pieces).equals(body.subarray(0, 1_000_000))).toBe(true);
  });

  test('of which more comes than was said has only what was said', async () => {
    await using server = await both((_request, response) => {
      const { socket } = response;
      const head = `HTTP/1.1 200 OK\r\ncontent-length: ${body.length}\r\n\r\n`;
      socket?.end(Buffer.concat([Buffer.from(head), body, randomBytes(500_000)]));
    });
    using agents = connected();
    expect((await received(await ask(agents, server.origin))).equals(body)).toBe(true);
  });

  test('that stops is given up, and so is one that nobody wants any more', async () => {
    await using server = await both((_request, response) => void response.writeHead(200, sized).write(body.subarray(0, 500_000)));
    using agents = connected();
    const slow = await ask(agents, server.origin, { idleMs: 200 });
    await expect(slow.receive(() => undefined)).rejects.toThrow('slow');
    const stop = new AbortController();
    const answer = await ask(agents, server.origin, { signal: stop.signal });
    setTimeout(() => stop.abort(new Error('enough')), 50);
    await expect(answer.receive(() => undefined)).rejects.toThrow('enough');
  });

  test('comes in the same memory all the time', async () => {
    await using server = await both((_request, response) => void response.writeHead(200, sized).end(body));
    using agents = connected();
    const memories = new Set<unknown>();
    const answer = await ask(agents, server.origin);
    await answer.receive(({ buffer }) => void memories.add(buffer));
    // What came with the headers, and the two memories of the connection.
    expect(memories.size).toBeLessThanOrEqual(4);
  });

  test('ends with what its taker throws', async () => {
    await using server = await both((_request, response) => void response.writeHead(200, sized).end(body));
    using agents = connected();
    let taken = 0;
    const answer = await ask(agents, server.origin);
    const refused = answer.receive(({ length }) => {
      taken += length;
      if (taken > 1_000_000) throw new Error('the disk is full');
    });
    await expect(refused).rejects.toThrow('the disk is full');
    expect(taken).toBeLessThan(body.length);
  });
});
