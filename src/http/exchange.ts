import { request as requestHttp } from 'node:http';
import type { ClientRequest, IncomingMessage } from 'node:http';
import { PortkitError } from '../base/errors.ts';
import type { Agents } from './agents.ts';
import type { Answer, Call } from './call.ts';
import { receive } from './receive.ts';

/** How long servers may take. */
export interface Timeouts {
  /** Milliseconds without a connection, and then without a byte in either direction. */
  readonly idleMs: number;
  /** Milliseconds from the end of a request to the end of the headers of its answer. */
  readonly headersMs: number;
}

/** What is thrown for connections that fail. */
interface Failures {
  /** `undefined` is a connection that was closed. */
  of(error: unknown, url: URL): Error;
  tooSlow(url: URL): Error;
}

const mostHeaderBytes = 32 * 1024;

/** Sends one request; follows nothing, tries nothing twice. */
export async function exchange(
  call: Call,
  agents: Agents,
  { timeouts, failures }: { readonly timeouts: Timeouts; readonly failures: Failures },
): Promise<Answer> {
  const { url, signal } = call;
  signal.throwIfAborted();
  const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
  const secure = url.protocol === 'https:';
  // TLS takes 15 ms to load, and who speaks with this machine only does not need it.
  const request = (secure ? process.getBuiltinModule('node:https').request : requestHttp)(url, {
    method: call.method,
    headers: headersOf(call),
    maxHeaderSize: mostHeaderBytes,
    timeout: timeouts.idleMs,
    ...agents.connection(url, call.within),
  });
  // A request that still waits for its connection says nothing when it is destroyed.
  const end = () => {
    request.destroy();
    reject(failed(undefined));
  };
  signal.addEventListener('abort', end, { once: true });
  request.on('close', () => signal.removeEventListener('abort', end));
  const sending = new AbortController();
  let slow = false;
  const giveUp = () => {
    slow = true;
    end();
  };
  request.on('timeout', giveUp);
  // That only counts from the connection on.
  let deadline = setTimeout(giveUp, timeouts.idleMs);
  const connected = () => clearTimeout(deadline);
  request.on('socket', (socket) => (socket.connecting ? socket.once('connect', connected) : connected()));
  request.on('finish', () => {
    connected();
    // An answer can come before the end of the request: then nothing is waited for, and no timer may keep the process.
    if (!sending.signal.aborted) deadline = setTimeout(giveUp, timeouts.headersMs);
  });
  const failed = (error: unknown) => {
    if (signal.aborted) return signal.reason;
    return slow ? failures.tooSlow(url) : failures.of(error, url);
  };
  request.on('response', resolve);
  request.on('error', (error) => reject(failed(error)));
  request.on('close', () => reject(failed(undefined)));
  send(call, request, sending.signal).catch((error: unknown) => {
    reject(error);
    request.destroy();
  });
  try {
    return answerOf(await promise, { call, failed, request, hurry: () => setTimeout(giveUp, timeouts.headersMs) });
  } catch (error) {
    throw signal.aborted ? signal.reason : error;
  } finally {
    clearTimeout(deadline);
    sending.abort();
    if (request.destroyed) signal.removeEventListener('abort', end);
  }
}

/** Sends the body until it ends or `stop` says that nobody waits for it: the answer came early, or never will. */
async function send({ body, signal, url }: Call, request: ClientRequest, stop: AbortSignal): Promise<void> {
  if (body === undefined) return void request.end();
  try {
    let sent = 0;
    for await (const chunk of body.open(AbortSignal.any([signal, stop]))) {
      sent += chunk.length;
      if (stop.aborted) return;
      if (sent > body.size) throw wrongSize(url, sent, body.size);
      if (!request.write(chunk)) await drained(request, stop);
    }
    if (sent < body.size) throw wrongSize(url, sent, body.size);
    request.end();
  } catch (error) {
    if (!stop.aborted) throw error;
  }
}

function wrongSize(url: URL, sent: number, size: number): PortkitError {
  const amount = sent > size ? 'more than' : `only ${sent} of`;
  return new PortkitError('PK4003', `What is to be sent to ${url.host} has ${amount} the ${size} bytes it should have`);
}

async function drained(request: ClientRequest, stop: AbortSignal): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const done = () => resolve();
  request.once('drain', done).once('close', done);
  stop.addEventListener('abort', done);
  await promise;
  request.off('drain', done).off('close', done);
  stop.removeEventListener('abort', done);
}

interface Received {
  readonly call: Call;
  readonly request: ClientRequest;
  readonly failed: (error: unknown) => unknown;
  readonly hurry: () => NodeJS.Timeout;
}

function answerOf(response: IncomingMessage, received: Received): Answer {
  const { call, request } = received;
  const header = (name: string) => {
    const value = response.headers[name];
    return Array.isArray(value) ? value.join(', ') : value;
  };
  return {
    status: response.statusCode ?? 0,
    url: call.url,
    within: call.within,
    header,
    body: bodyOf(response, received),
    hurry() {
      const timer = received.hurry();
      response.once('close', () => clearTimeout(timer));
    },
    receive: (take) => receive({ ...received, response }, take),
    discard() {
      // A short rest is read, so that the connection can be used again; anything else ends it, and so does what may be endless.
      const isEmpty = request.method === 'HEAD' || response.statusCode === 204 || response.statusCode === 304;
      const rest = isEmpty ? 0 : Number(header('content-length') ?? Number.POSITIVE_INFINITY);
      if (request.writableFinished && rest <= mostHeaderBytes) response.resume();
      else request.destroy();
    },
  };
}

async function* bodyOf(response: IncomingMessage, received: Received): AsyncGenerator<Uint8Array> {
  const { request } = received;
  try {
    for await (const chunk of response) yield chunk as Buffer;
  } catch (error) {
    throw received.failed(error);
  } finally {
    // After an answer that came before the end of the request, nothing more can be said on that connection.
    if (!request.writableFinished) request.destroy();
  }
}

function headersOf({ headers, authorization, body, method }: Call): Record<string, string> {
  const sized = body !== undefined || method === 'POST' || method === 'PUT' || method === 'PATCH';
  return {
    'user-agent': 'portkit',
    'accept-encoding': 'identity',
    ...headers,
    ...(authorization === undefined ? {} : { authorization }),
    ...(sized ? { 'content-length': String(body?.size ?? 0) } : {}),
  };
}
