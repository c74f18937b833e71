import { PortkitError } from '../../base/errors.ts';
import { networkReason } from '../../base/network-reason.ts';
import { ConnectionFailure } from './http.ts';
import type { HttpAnswer, HttpClient } from './http.ts';
import type { Entity, PartialFile } from './partial.ts';
import { redirected } from './url.ts';
import type { Source, Trail } from './url.ts';

/** What became of one attempt; `again` says whether another one may end better, `afterMs` when the server wants it. */
export type Attempt =
  | { readonly ok: true }
  | { readonly ok: false; readonly error: PortkitError; readonly again: boolean; readonly afterMs?: number };

/** What one attempt is about. */
export interface Transfer {
  readonly source: Source;
  readonly into: PartialFile;
  /** Whether the whole is checked afterwards, so that it may be continued even when the server cannot say it is the same. */
  readonly pinned: boolean;
  readonly maxSize: number;
}

/** What an attempt is lent. */
export interface TransferWorld {
  readonly http: HttpClient;
  /** Wall clock in milliseconds, for dates in Retry-After. */
  now(): number;
  readonly signal: AbortSignal;
  transfer(done: number, total?: number): void;
}

/** Asks for what is missing and appends it. Throws only for what is neither the server's nor the network's doing. */
export async function attempt(transfer: Transfer, world: TransferWorld): Promise<Attempt> {
  let trail: Trail = { visited: [], source: transfer.source };
  try {
    for (;;) {
      const answer = await ask(trail.source, transfer, world);
      if (![301, 302, 303, 307, 308].includes(answer.status)) return await take(answer, transfer, world);
      answer.discard();
      trail = redirected(trail, answer.header('location'));
    }
  } catch (error) {
    if (world.signal.aborted) throw world.signal.reason;
    if (error instanceof Unreachable) return unreachable(transfer.source, error);
    if (error instanceof PortkitError && error.code.startsWith('PK32')) return { ok: false, error, again: false };
    throw error;
  }
}

/** A failure of the network, as opposed to one of the disk that is written to. */
class Unreachable extends Error {}

async function ask(source: Source, { into, pinned }: Transfer, { http, signal }: TransferWorld): Promise<HttpAnswer> {
  const headers: Record<string, string> = { accept: '*/*' };
  if (source.authorization !== undefined) headers['authorization'] = source.authorization;
  const { validator } = into.entity;
  if (into.received > 0 && (pinned || validator?.startsWith('"') === true)) {
    headers['range'] = `bytes=${into.received}-`;
    if (validator !== undefined) headers['if-range'] = validator;
  }
  try {
    return await http.get(source.url, { headers, signal });
  } catch (error) {
    throw error instanceof ConnectionFailure ? new Unreachable(error.message, { cause: error.cause }) : error;
  }
}

async function take(answer: HttpAnswer, transfer: Transfer, world: TransferWorld): Promise<Attempt> {
  const { source, into, maxSize } = transfer;
  if (answer.status !== 200 && answer.status !== 206) return refused(answer, transfer, world);
  const encoding = answer.header('content-encoding') ?? 'identity';
  const place = placeOf(answer);
  const known = into.entity.total;
  const continues = place?.first === into.received && (known === undefined || place.total === undefined || place.total === known);
  if (encoding !== 'identity' || (answer.status === 206 && !continues)) {
    answer.discard();
    if (encoding !== 'identity') throw unusable(source, `it sends the content encoding ${JSON.stringify(encoding.slice(0, 40))}`);
    await into.restart({});
    return { ok: false, error: unusable(source, 'it sends another part than was asked for'), again: true };
  }
  const total = answer.status === 206 ? (place?.total ?? known) : lengthOf(answer.header('content-length'));
  if (total !== undefined && total > maxSize) {
    answer.discard();
    throw tooLarge(source, maxSize);
  }
  if (answer.status === 200 || into.received === 0) await into.restart(entityOf(answer, total));
  await append(answer, transfer, { ...world, ...(total === undefined ? {} : { total }) });
  if (total === undefined || into.received === total) return { ok: true };
  return unreachable(source, new Unreachable(`${into.received} of ${total} bytes came`));
}

async function append(
  answer: HttpAnswer,
  { source, into, maxSize }: Transfer,
  world: TransferWorld & { readonly total?: number },
): Promise<void> {
  const file = await into.grow();
  try {
    await answer.receive((bytes) => {
      if (file.size + bytes.length > maxSize) throw tooLarge(source, maxSize);
      file.append(bytes);
      world.transfer(file.size, world.total);
    });
  } catch (error) {
    throw error instanceof ConnectionFailure ? new Unreachable(error.message, { cause: error.cause }) : error;
  }
}

const passing = new Set([408, 425, 429, 500, 502, 503, 504]);

async function refused(answer: HttpAnswer, { source, into }: Transfer, world: TransferWorld): Promise<Attempt> {
  answer.discard();
  const { status } = answer;
  if (status === 416 && into.received > 0) {
    const total = /^bytes \*\/(\d{1,15})$/.exec(answer.header('content-range') ?? '')?.[1];
    if (total !== undefined && Number(total) === into.received) return { ok: true };
    await into.restart({});
    return { ok: false, error: unusable(source, 'it has fewer bytes than came before'), again: true };
  }
  const again = passing.has(status);
  const afterMs = retryAfter(answer.header('retry-after'), world.now());
  const error = new PortkitError(again ? 'PK3201' : 'PK3203', `${source.shown} answers ${status}`, {
    hint: again ? 'The server is busy or broken: try again later, or give mirrors' : 'Check the URL, or give mirrors',
  });
  return { ok: false, error, again, ...(afterMs === undefined ? {} : { afterMs }) };
}

/** Seconds or a date (RFC 9110 §10.2.3), as milliseconds from now. */
function retryAfter(text: string | undefined, now: number): number | undefined {
  if (text === undefined) return undefined;
  const ms = /^\d{1,9}$/.test(text) ? Number(text) * 1000 : Date.parse(text) - now;
  return Number.isNaN(ms) ? undefined : Math.max(0, ms);
}

function entityOf(answer: HttpAnswer, total: number | undefined): Entity {
  const etag = answer.header('etag');
  const validator = etag?.startsWith('"') === true ? etag : answer.header('last-modified');
  const usable = validator !== undefined && /^[\x20-\x7e]{1,400}$/.test(validator);
  return { ...(usable ? { validator } : {}), ...(total === undefined ? {} : { total }) };
}

/** Which bytes a partial answer holds (RFC 9110 §14.4). */
function placeOf(answer: HttpAnswer): { readonly first: number; readonly total?: number } | undefined {
  const match = /^bytes (\d{1,15})-\d{1,15}\/(\d{1,15}|\*)$/.exec(answer.header('content-range') ?? '');
  if (match === null) return undefined;
  return { first: Number(match[1]), ...(match[2] === '*' ? {} : { total: Number(match[2]) }) };
}

function lengthOf(text: string | undefined): number | undefined {
  return text !== undefined && /^\d{1,15}$/.test(text) ? Number(text) : undefined;
}

function unusable({ shown }: Source, why: string): PortkitError {
  return new PortkitError('PK3203', `${shown} cannot be used: ${why}`);
}

function tooLarge({ shown }: Source, maxSize: number): PortkitError {
  return new PortkitError('PK3204', `${shown} has more than the ${maxSize} bytes that are allowed`, {
    hint: 'Raise the size limit of the step if that is right',
  });
}

function unreachable({ shown }: Source, problem: Unreachable): Attempt {
  const error = new PortkitError('PK3201', `${shown} cannot be fetched: ${reasonOf(problem)}`, {
    hint: 'Check the network and the proxy settings, or give mirrors',
  });
  return { ok: false, error, again: true };
}

/** Never the text of the cause, which may name a proxy with its password. */
function reasonOf(problem: Unreachable): string {
  for (let cause: unknown = problem.cause; cause instanceof Error; { cause } = cause) {
    const code = 'code' in cause && typeof cause.code === 'string' ? cause.code : undefined;
    if (code !== undefined) return networkReason(code);
    if (cause instanceof AggregateError) return reasonOf(new Unreachable('', { cause: cause.errors[0] }));
  }
  return problem.message;
}
