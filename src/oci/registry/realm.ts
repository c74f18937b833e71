import { PortkitError } from '../../base/errors.ts';
import type { Credential } from '../credentials/credential.ts';
import { bytesSource } from '../model/read.ts';
import type { Agents } from '../../http/agents.ts';
import type { Challenge } from './challenge.ts';
import { objectOf, readDocument } from './documents.ts';
import { busyness } from './failures.ts';
import { hopFrom } from './hops.ts';
import type { Answer, Call } from '../../http/call.ts';

/** A token, and when it is better not used any more. */
export interface Token {
  readonly text: string;
  readonly until: number;
}

/** What a token is asked for. */
export interface TokenWish {
  /** The origin of the registry. */
  readonly origin: string;
  readonly challenge: Extract<Challenge, { scheme: 'bearer' }>;
  readonly scopes: readonly string[];
  readonly credential: Credential | undefined;
  readonly signal: AbortSignal;
}

/** How realms are asked. */
export interface RealmWorld {
  readonly agents: Agents;
  /** Realms of other hosts that may be given credentials: `HOST[:PORT]=REALMHOST[:PORT]`. */
  readonly trustedRealms: readonly string[];
  exchange(call: Call): Promise<Answer>;
  now(): Date;
}

/** Registries whose tokens come from another host by the word of their own documentation. */
const knownRealms = ['registry-1.docker.io=auth.docker.io', 'registry.gitlab.com=gitlab.com'];
const mostTokenBytes = 256 * 1024;
const shortestLife = 60;

/**
 * A token from the realm that a registry named. A realm is somebody whom the registry chose: it is given credentials only
 * when it is the registry's own origin or one that was trusted beforehand, and it is never redirected.
 */
export async function fetchToken(wish: TokenWish, world: RealmWorld): Promise<Token> {
  const { origin, challenge, scopes, credential, signal } = wish;
  const { url, within } = hopFrom({ url: new URL(origin) }, challenge.realm, world.agents);
  if (credential !== undefined) checkTrust(new URL(origin), url, world.trustedRealms);
  const asked = world.now().getTime();
  const query = new URLSearchParams(challenge.service === undefined ? [] : [['service', challenge.service]]);
  const call: Call =
    credential?.kind === 'identity-token'
      ? refreshing(url, { query, scopes, token: credential.token.reveal(), signal })
      : asking(url, { query, scopes, credential, signal });
  const answer = await world.exchange({ ...call, within });
  const busy = busyness(answer, world.now());
  if (busy !== undefined) throw busy;
  if (answer.status !== 200) {
    answer.discard();
    throw new PortkitError('PK4030', `${url.host} gives no token for ${new URL(origin).host} (status ${answer.status})`, {
      hint: credential === undefined ? `Log in: portkit login ${new URL(origin).host}` : 'Are the user name and password right?',
    });
  }
  const document = objectOf(await readDocument(answer, mostTokenBytes));
  const text = document?.['token'] ?? document?.['access_token'];
  if (typeof text !== 'string' || !/^[\x21-\x7e]{1,16384}$/.test(text)) {
    throw new PortkitError('PK4035', `${url.host} answers a request for a token with something else`);
  }
  const life = Number(document?.['expires_in'] ?? shortestLife);
  return { text, until: asked + Math.max(shortestLife, Number.isFinite(life) ? life : 0) * 900 };
}

function checkTrust(registry: URL, realm: URL, trusted: readonly string[]): void {
  const pair = `${registry.host}=${realm.host}`;
  if (realm.origin === registry.origin || knownRealms.includes(pair) || trusted.includes(pair)) return;
  throw new PortkitError('PK4032', `${registry.host} wants its credentials sent to ${realm.host}`, {
    hint: `They were not sent. If that host is the right one, put ${pair} into PORTKIT_REGISTRY_REALMS`,
  });
}

interface Wording {
  readonly query: URLSearchParams;
  readonly scopes: readonly string[];
  readonly signal: AbortSignal;
}

function asking(realm: URL, { query, scopes, credential, signal }: Wording & { credential: Credential | undefined }): Call {
  const url = new URL(realm);
  for (const [name, value] of query) url.searchParams.append(name, value);
  for (const scope of scopes) url.searchParams.append('scope', scope);
  return { method: 'GET', url, authorization: basicHeader(credential), signal };
}

function refreshing(url: URL, { query, scopes, token, signal }: Wording & { token: string }): Call {
  const form = new URLSearchParams(query);
  form.append('grant_type', 'refresh_token');
  form.append('client_id', 'portkit');
  form.append('scope', scopes.join(' '));
  form.append('refresh_token', token);
  const bytes = Buffer.from(form.toString());
  return {
    method: 'POST',
    url,
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
    body: { size: bytes.length, ...bytesSource(bytes) },
    signal,
  };
}

/** The header that says a user name and password. */
export function basicHeader(credential: Credential | undefined): string | undefined {
  if (credential?.kind !== 'basic') return undefined;
  return `Basic ${Buffer.from(`${credential.username}:${credential.password.reveal()}`).toString('base64')}`;
}
