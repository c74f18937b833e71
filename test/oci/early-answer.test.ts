import { buffer } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { createAgents } from '../../src/oci/registry/agents.ts';
import { exchange } from '../../src/oci/registry/http.ts';
import { startServer } from './server.ts';

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
  const { body } = await exchange(call, agents, { idleMs: 10_000, headersMs: 50 });
  answered.resolve();
  expect((await buffer(body)).toString()).toBe('abcd');
});
