import { PortkitError } from '../../base/errors.ts';
import type { Agents } from '../../http/agents.ts';
import type { Authorizer } from './authorizer.ts';
import { busyness } from './failures.ts';
import { follow, hopFrom } from './hops.ts';
import type { Hop } from './hops.ts';
import type { Answer, Call } from '../../http/call.ts';
import type { Place } from './place.ts';
import { retrying } from './retry.ts';
import type { RetryWorld } from './retry.ts';

/** A request for one repository. */
export interface Ask extends Omit<Call, 'authorization' | 'within'> {
  /** Where its address came from when the registry named it. */
  readonly hop?: Hop;
  /** Scopes beside those of the session. */
  readonly alsoScopes?: readonly string[];
}

/** Speaks with the registry of one repository. */
export interface Session {
  readonly place: Place;
  readonly world: RetryWorld;
  /** One attempt: redirects are followed, and who asks is said. Refusals of a server that is busy are `PassingFailure`. */
  once(ask: Ask): Promise<Answer>;
  /** Attempts until one succeeds; `read` takes what it needs of the answer, and is part of the attempt. */
  ask<T>(ask: Ask, read: (answer: Answer) => Promise<T> | T): Promise<T>;
  /** An address that an answer named. */
  hop(answer: Answer, target: string): Hop;
  /** Whether text has a part of what this registry was told about who asks. */
  isTold(text: string): boolean;
}

/** What sessions are made of. */
export interface SessionParts {
  readonly place: Place;
  readonly authorizer: Authorizer;
  readonly agents: Agents;
  readonly scopes: readonly string[];
  readonly world: RetryWorld;
  exchange(call: Call): Promise<Answer>;
}

/** A session with a registry about one repository. */
export function createSession(parts: SessionParts): Session {
  const { place, authorizer, agents, scopes, world } = parts;
  const exchange = (call: Call) => parts.exchange(call);
  async function once({ hop, alsoScopes = [], ...ask }: Ask): Promise<Answer> {
    const call = { ...ask, within: hop?.within };
    const wanted = [...scopes, ...alsoScopes];
    const atHome = ask.url.origin === place.origin;
    const sent = atHome ? await authorizer.header(wanted, ask.signal) : undefined;
    let answer = await follow({ ...call, authorization: sent }, agents, exchange);
    if (answer.status === 401 && atHome && answer.url.origin === place.origin) {
      const refusal = { challenge: answer.header('www-authenticate'), sent };
      answer.discard();
      const renewed = await authorizer.renew(refusal, wanted, ask.signal);
      if (renewed === undefined) throw unauthorized(place);
      answer = await follow({ ...call, authorization: renewed }, agents, exchange);
    }
    if (answer.status === 401) {
      answer.discard();
      throw unauthorized(place);
    }
    const busy = busyness(answer, world.now());
    if (busy !== undefined) throw busy;
    return answer;
  }
  return {
    place,
    world,
    once,
    ask: (ask, read) => retrying(async () => read(await once(ask)), world, ask.signal),
    hop: (answer, target) => hopFrom(answer, target, agents),
    isTold: (text) => authorizer.isTold(text),
  };
}

function unauthorized({ shown, host }: Place): PortkitError {
  return new PortkitError('PK4030', `Access to ${shown} is refused: credentials are needed, or those given are wrong`, {
    hint: `Log in: portkit login ${host}`,
  });
}
