import { PortkitError } from '../../base/errors.ts';
import { createSingleFlight } from '../../base/single-flight.ts';
import type { Credential } from '../credentials/credential.ts';
import { parseChallenge } from './challenge.ts';
import type { Challenge } from './challenge.ts';
import { basicHeader, fetchToken } from './realm.ts';
import type { RealmWorld, Token } from './realm.ts';

/** Says to one registry who asks, and remembers how. */
export interface Authorizer {
  /** The header to send with a request that needs these scopes; undefined as long as the registry has not asked. */
  header(scopes: readonly string[], signal: AbortSignal): Promise<string | undefined>;
  /** Another header after a 401, or undefined when there is no better one than the one that was sent. */
  renew(refusal: Refusal, scopes: readonly string[], signal: AbortSignal): Promise<string | undefined>;
  /** Whether text has a part of what was ever said to tell who asks. */
  isTold(text: string): boolean;
}

/** A 401: the challenge that came with it and the header that was sent. */
interface Refusal {
  readonly challenge: string | undefined;
  readonly sent: string | undefined;
}

/** For one origin; `credential` is asked once. */
export function createAuthorizer(
  origin: string,
  credential: (signal: AbortSignal) => Promise<Credential | undefined>,
  world: RealmWorld,
): Authorizer {
  const flights = createSingleFlight<Token>();
  const lookups = createSingleFlight<Credential | undefined>();
  const tokens = new Map<string, Token>();
  const told = new Set<string>();
  let challenge: Challenge | undefined;
  let known: { readonly credential: Credential | undefined } | undefined;

  async function header(scopes: readonly string[], signal: AbortSignal): Promise<string | undefined> {
    const next = await headerFor(scopes, signal);
    for (const secret of [next?.replace(/^\w+ /, ''), secretOf(known?.credential)]) if (secret !== undefined) told.add(secret);
    return next;
  }

  async function headerFor(scopes: readonly string[], signal: AbortSignal): Promise<string | undefined> {
    known ??= { credential: await lookups.run('', credential, signal) };
    const who = known.credential;
    if (who?.kind === 'bearer') return `Bearer ${sendable(who.token.reveal(), origin)}`;
    if (challenge === undefined) return undefined;
    if (challenge.scheme === 'basic') return basicHeader(who);
    return `Bearer ${await tokenFor(challenge, scopes, signal)}`;
  }

  async function tokenFor(bearer: Extract<Challenge, { scheme: 'bearer' }>, scopes: readonly string[], signal: AbortSignal) {
    const key = scopes.join(' ');
    const kept = tokens.get(key);
    if (kept !== undefined && kept.until > world.now().getTime()) return kept.text;
    const wish = { origin, challenge: bearer, scopes, credential: known?.credential };
    const token = await flights.run(key, (shared) => fetchToken({ ...wish, signal: shared }, world), signal);
    tokens.set(key, token);
    return token.text;
  }

  return {
    header,
    async renew({ challenge: text, sent }, scopes, signal) {
      challenge = parseChallenge(text) ?? challenge;
      const key = scopes.join(' ');
      if (sent === `Bearer ${tokens.get(key)?.text}`) tokens.delete(key);
      const next = await header(scopes, signal);
      return next === sent ? undefined : next;
    },
    isTold: (text) => [...told].some((secret) => shares(text, secret)),
  };
}

/** A token may come from anywhere, a variable of the environment for one. */
function sendable(token: string, origin: string): string {
  if (/^[\x21-\x7e]+$/.test(token)) return token;
  throw new PortkitError('PK4041', `The bearer token for ${new URL(origin).host} has characters that no token has, or none`, {
    hint: 'White space at its end is often taken with it',
  });
}

function secretOf(credential: Credential | undefined): string | undefined {
  return credential?.kind === 'basic' ? credential.password.reveal() : credential?.token.reveal();
}

/** So many characters of a secret are too many. */
const telling = 8;

/** Whether text has a part of a secret, as it is or as it is usually written. */
function shares(text: string, secret: string): boolean {
  const bytes = Buffer.from(secret);
  const forms = [
    secret,
    encodeURIComponent(secret),
    bytes.toString('base64'),
    bytes.toString('base64url'),
    bytes.toString('hex'),
  ];
  return forms.some((form) => {
    if (form.length < telling) return text.includes(form);
    for (let at = 0; at + telling <= text.length; at += 1) if (form.includes(text.slice(at, at + telling))) return true;
    return false;
  });
}
