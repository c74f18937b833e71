import { PortkitError } from '../../base/errors.ts';
import type { Agents } from '../../http/agents.ts';
import type { Answer, Call } from '../../http/call.ts';
import { mayPointAt, nearnessOfHost } from '../../http/nearness.ts';
import type { Nearness } from '../../http/nearness.ts';

/** Somewhere that a server pointed at, and which addresses it may turn out to be. */
export interface Hop {
  readonly url: URL;
  readonly within?: ((nearness: Nearness) => boolean) | undefined;
}

const mostHops = 5;

/** Where a server pointed at (a redirect, an upload's place, a next page, a realm); PK4034 when that is not to be followed. */
export function hopFrom({ url: from, within: held }: Hop, target: string, agents: Agents): Hop {
  const url = URL.canParse(target, from.href) ? new URL(target, from) : undefined;
  const refuse = (why: string) => new PortkitError('PK4034', `${from.host} points at ${why}, which is not followed`);
  if (url === undefined) throw refuse('something that is no address');
  if (url.protocol !== 'https:' && url.protocol !== 'http:') throw refuse(`an address of another kind (${url.protocol})`);
  if (url.protocol === 'http:' && from.protocol === 'https:') throw refuse(`${url.host} without TLS`);
  if (url.username !== '' || url.password !== '') throw refuse('an address with a user name');
  url.hash = '';
  if (url.origin === from.origin) return { url, within: held };
  const near = agents.nearnessOf(from);
  if (url.hostname === from.hostname) return { url, within: asBefore };
  const within = (to: Nearness) => mayPointAt(near, to);
  const literal = nearnessOfHost(url.hostname);
  if (literal !== undefined && !within(literal)) throw refuse(`${url.host}, an address nearer to this machine than itself`);
  return { url, within };

  /** A name may have addresses of several kinds, but must not change to one that is nearer; those of this machine are alone. */
  function asBefore(to: Nearness): boolean {
    const led = mayPointAt(near, to) || (to === 'private' && agents.ledTo(from, to));
    return led && held?.(to) !== false;
  }
}

/** Sends a request and follows where it is sent on to; whatever leaves the origin leaves its authorization behind for good. */
export async function follow(call: Call, agents: Agents, exchange: (call: Call) => Promise<Answer>): Promise<Answer> {
  const seen = new Set([call.url.href]);
  for (let current = call; ;) {
    const answer = await exchange(current);
    const location = answer.header('location');
    if (!isRedirect(answer.status, current.method) || location === undefined) return answer;
    answer.discard();
    const { url, within } = hopFrom(current, location, agents);
    if (call.method === 'DELETE' && url.origin !== call.url.origin) {
      throw new PortkitError('PK4034', `${call.url.host} wants something deleted at ${url.host}, which is not done`);
    }
    if (seen.size > mostHops || seen.has(url.href)) {
      throw new PortkitError('PK4034', `${call.url.host} sends requests round and round`);
    }
    seen.add(url.href);
    const authorization = url.origin === current.url.origin ? current.authorization : undefined;
    current = { ...current, url, within, authorization };
  }
}

/** Only 307 and 308 promise that a request stays what it is; asking may follow any. */
function isRedirect(status: number, method: Call['method']): boolean {
  if (status === 307 || status === 308) return true;
  return (method === 'GET' || method === 'HEAD') && (status === 301 || status === 302 || status === 303);
}
