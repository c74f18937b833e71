import type { Dispatcher, EnvHttpProxyAgent } from 'undici';

/** An answer whose body has not been read; exactly one of `body` and `discard` is used. */
export interface HttpAnswer {
  readonly status: number;
  /** The first header of this lower-case name. */
  header(name: string): string | undefined;
  readonly body: AsyncIterable<Uint8Array>;
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

/** A client that keeps connections until it is disposed; undici is only loaded by the first request. */
export function createHttpClient({ env, idleMs = 30_000 }: HttpOptions): HttpClient & AsyncDisposable {
  let agent: EnvHttpProxyAgent | undefined;
  return {
    async get(url, { headers, signal }) {
      const { EnvHttpProxyAgent, request } = (await import('undici')).default;
      agent ??= new EnvHttpProxyAgent({ ...proxies(env), connect: { timeout: idleMs } });
      const options = { dispatcher: agent, headers, signal, headersTimeout: idleMs, bodyTimeout: idleMs };
      return answerOf(await request(url, options));
    },
    async [Symbol.asyncDispose]() {
      await agent?.destroy();
    },
  };
}

/** Empty strings say "none" and keep undici from looking at the environment itself. */
function proxies(env: HttpOptions['env']) {
  return {
    httpProxy: env['http_proxy'] ?? env['HTTP_PROXY'] ?? '',
    httpsProxy: env['https_proxy'] ?? env['HTTPS_PROXY'] ?? '',
    noProxy: env['no_proxy'] ?? env['NO_PROXY'] ?? '',
  };
}

function answerOf({ statusCode, headers, body }: Dispatcher.ResponseData): HttpAnswer {
  // An unread body that is destroyed reports that as an error, to nobody.
  body.on('error', () => undefined);
  return {
    status: statusCode,
    header(name) {
      const value = headers[name];
      return Array.isArray(value) ? value[0] : value;
    },
    body,
    discard: () => void body.destroy(),
  };
}
