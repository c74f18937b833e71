import { once } from 'node:events';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { expect, test } from 'vitest';
import { parsePlace } from '../../oci/place/place.ts';
import { openPlaces, transportOf } from './open.ts';

const { signal } = new AbortController();
const note = (): void => undefined;

test('a registry cannot be spoken to in both ways', () => {
  expect(() => transportOf({ 'plain-http': true, tls: true })).toThrow(expect.objectContaining({ code: 'PK1001' }));
  expect(() => transportOf({ 'to-plain-http': true, 'to-tls': true }, 'to-')).toThrow(/--to-plain-http and --to-tls/);
  expect(transportOf({ 'from-plain-http': true, 'to-tls': true }, 'to-')).toEqual({ transport: 'tls' });
});

test.each([
  [{}, 'GET'],
  [{ tls: true }, 'TLS'],
  [{ 'from-tls': true }, 'TLS'],
  [{ 'to-tls': true }, 'GET'],
])('with %j, a loopback host that is read from is spoken to with %s', async (options, spoken) => {
  const first: string[] = [];
  const server = createServer((socket) => {
    socket.on('error', note);
    socket.once('data', (bytes) => {
      // A handshake record (RFC 8446, 5.1), or the method.
      first.push(bytes[0] === 22 ? 'TLS' : bytes.toString('latin1', 0, 3));
      socket.end('HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n');
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  try {
    await using places = await openPlaces({ options, signal, note });
    const { port } = server.address() as AddressInfo;
    const { source, name } = await places.source(parsePlace(`127.0.0.1:${port}/a:v1`));
    const abort = new AbortController();
    setTimeout(() => abort.abort(), 100);
    await source.resolve(name, abort.signal).catch(note);
    expect(first[0]).toBe(spoken);
  } finally {
    server.close();
  }
});
