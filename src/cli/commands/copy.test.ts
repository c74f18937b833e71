import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, test, vi } from 'vitest';
import { copy } from './copy.ts';

test.each([
  [{}, 'CONNECT from.example:443'],
  [{ 'to-plain-http': true }, 'CONNECT from.example:443'],
  [{ 'from-plain-http': true }, 'GET http://from.example/v2/r/manifests/v1'],
])('with %j, FROM is asked by %s', async (options, expected) => {
  const seen: string[] = [];
  const proxy = createServer((request, response) => {
    seen.push(`${request.method} ${request.url}`);
    response.writeHead(404).end();
  });
  proxy.on('connect', (request, socket) => {
    seen.push(`CONNECT ${request.url}`);
    socket.end('HTTP/1.1 403 Forbidden\r\n\r\n');
  });
  proxy.listen(0, '127.0.0.1');
  await once(proxy, 'listening');
  const url = `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`;
  for (const name of ['http_proxy', 'https_proxy']) vi.stubEnv(name, url);
  vi.stubEnv('no_proxy', '');
  try {
    const silent = () => undefined;
    const { signal } = new AbortController();
    const words = ['from.example/r:v1', 'to.example/r:v1'];
    await expect(copy.run({ words, options, signal, print: silent, note: silent })).rejects.toThrow();
    expect(seen[0]).toBe(expected);
  } finally {
    vi.unstubAllEnvs();
    proxy.closeAllConnections();
    proxy.close();
  }
});
