import { createAgents } from '../../http/agents.ts';
import { exchange } from '../../http/exchange.ts';
import { proxiesOf } from '../../http/proxies.ts';
import type { Take } from '../../http/receive.ts';

/** An answer whose body has not been read; exactly one of `receive` and `discard` is used. */
export interface HttpAnswer {
  readonly status: number;
  /** The first header of this lower-case name. */
  header(name: string): string | undefined;
  /** Gives the body piece by piece. What `take` throws is thrown as it is; anything else is `ConnectionFailure`. */
  receive(take: Take): Promise<void>;
  discard(): void;
}

/** Asks servers: one request, one answer; no redirect is followed, no content is decoded. */
export interface HttpClient {
  get(
    url: URL,
    request: { readonly headers: Readonly<Record<string, string>>; readonly signal: AbortSignal },
  ): Promise<HttpAnswer>;
}

/** How requests reach their server. */
export interface HttpOptions {
  /** Where the proxies stand: `http_proxy`, `https_proxy`, `no_proxy`, and the same in capitals. */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Milliseconds without a byte after which a server counts as gone; 30 seconds unless given. */
  readonly idleMs?: number;
}

/** What became of a connection; its cause is what the system said, and may name a proxy with its password. */
export class ConnectionFailure extends Error {
  override readonly name = 'ConnectionFailure';
}

/** A client that keeps connections until it is disposed. */
export function createHttpClient({ env, idleMs = 30_000 }: HttpOptions): HttpClient & Disposable {
  const proxies = proxiesOf(env);
  const agents = createAgents({ proxies });
  const failures = {
    of: (cause: unknown) => new ConnectionFailure('the connection was cut', { cause }),
    tooSlow: () => new ConnectionFailure('the server does not answer'),
  };
  return {
    get: (url, { headers, signal }) =>
      exchange({ method: 'GET', url, headers, signal }, agents, { timeouts: { idleMs, headersMs: idleMs }, failures }),
    [Symbol.dispose]: () => agents[Symbol.dispose](),
  };
}
