import { once } from 'node:events';
import { createServer } from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import type { ServerOptions } from 'node:https';
import type { AddressInfo } from 'node:net';

/** A request as it came. */
interface Seen {
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingMessage['headers'];
}

/** A server on the loopback that remembers who asked for what. */
export interface TestServer extends AsyncDisposable {
  /** `HOST:PORT`. */
  readonly host: string;
  readonly origin: string;
  readonly seen: readonly Seen[];
}

/** Answers one request. */
export type Handler = (request: IncomingMessage, response: ServerResponse) => void | Promise<void>;

/** Starts a server, with TLS when it is told how. */
export async function startServer(handler: Handler, tls?: ServerOptions): Promise<TestServer> {
  const seen: Seen[] = [];
  const take = (request: IncomingMessage, response: ServerResponse): void => {
    seen.push({ method: request.method ?? '', path: request.url ?? '', headers: request.headers });
    request.on('error', () => undefined);
    Promise.resolve(handler(request, response)).catch(() => response.destroy());
  };
  const server = tls === undefined ? createServer(take) : createSecureServer(tls, take);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const host = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    host,
    origin: `${tls === undefined ? 'http' : 'https'}://${host}`,
    seen,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

/** Ends an answer: with headers, and with a body. */
export function say(response: ServerResponse, status: number, ...rest: [Record<string, string>?, (string | Buffer)?]): void {
  const [headers = {}, body = ''] = rest;
  response.writeHead(status, headers).end(body);
}
