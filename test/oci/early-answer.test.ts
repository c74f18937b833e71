import { buffer } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { createAgents } from '../../src/http/agents.ts';
import { exchange } from '../../src/http/exchange.ts';
import { startServer } from './server.ts';

const failures = { of: () => new Error('failed'), tooSlow: () => new Error('slow') };

test('an answer that comes before the request ends is not hurried', async () => {
  await using server = await startServer(async (request, response) => {
    request.resume();
    response.writeHead(201, { 'content-length': '4' });
    response.write('ab');
    await sleep(300);
    response.end('cd');
  });
  using agents = createAgents({});
  const { signal } = new AbortController();
  const answered = Promise.withResolvers<void>();
  async function* open(): AsyncGenerator<Uint8Array> {
    yield Buffer.from('body');
    await answered.promise;
  }
  const call = { method: 'PUT', url: new URL(`${server.origin}/x`), body: { size: 4, open }, signal } as const;
  const { body } = await exchange(call, agents, { timeouts: { idleMs: 10_000, headersMs: 50 }, failures });
  answered.resolve();
  expect((await buffer(body)).toString()).toBe('abcd');
});
