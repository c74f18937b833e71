import { PortkitError } from '../../base/errors.ts';
import type { Credential } from '../credentials/credential.ts';
import { createAgents } from '../../http/agents.ts';
import type { ConnectionOptions } from '../../http/agents.ts';
import { createAuthorizer } from './authorizer.ts';
import type { Authorizer } from './authorizer.ts';
import type { Call } from '../../http/call.ts';
import { exchange } from '../../http/exchange.ts';
import type { Timeouts } from '../../http/exchange.ts';
import { failureOf, tooSlow } from './failures.ts';
import { placeOf } from './place.ts';
import type { Place, RepositoryName } from './place.ts';
import { createRepository } from './repository.ts';
import type { RegistryRepository } from './repository.ts';
import type { RetryWorld } from './retry.ts';
import { createSession } from './session.ts';
import type { Session } from './session.ts';

/** What registries are asked with. */
export interface RegistryOptions {
  readonly world: RetryWorld;
  readonly connections?: ConnectionOptions;
  readonly timeouts?: Timeouts;
  /** `HOST` or `HOST:PORT` that are spoken to without TLS; loopback hosts always are. */
  readonly plainHttp?: readonly string[];
  /** `HOST[:PORT]=REALMHOST[:PORT]`: realms of other hosts that may be given the credentials of a registry. */
  readonly trustedRealms?: readonly string[];
  /** Who asks at a host, as users write it; `origin` says whether that is sent with TLS. */
  credentialFor?(host: string, signal: AbortSignal, origin: string): Promise<Credential | undefined>;
}

/** What will be done in a repository: tokens are asked for once, for all of it. */
interface Intent {
  readonly access: 'pull' | 'push';
  /** Repositories of the same registry that blobs are to be mounted from. */
  readonly mountFrom?: readonly string[];
}

/** Connections and tokens that several repositories share, until it is disposed. */
export interface RegistryClient extends Disposable {
  repository(name: RepositoryName, intent: Intent): RegistryRepository;
  /** Asks a registry for nothing but an answer: PK4030 when it refuses who asks, PK4035 when it is no registry. */
  check(name: Omit<RepositoryName, 'repository'>, signal: AbortSignal): Promise<void>;
}

const defaultTimeouts: Timeouts = { idleMs: 60_000, headersMs: 300_000 };

/** A client for any number of registries. */
export function createRegistryClient(options: RegistryOptions): RegistryClient {
  const { world, trustedRealms = [], plainHttp = [], timeouts = defaultTimeouts } = options;
  const agents = createAgents(options.connections ?? {});
  const authorizers = new Map<string, Authorizer>();
  const send = (call: Call) => exchange(call, agents, { timeouts, failures: { of: failureOf, tooSlow } });
  const realmWorld = { agents, trustedRealms, exchange: send, now: () => world.now() };
  function authorizerOf(origin: string, host: string): Authorizer {
    const key = `${origin} ${host}`;
    const credential = async (signal: AbortSignal) => options.credentialFor?.(host, signal, origin);
    const authorizer = authorizers.get(key) ?? createAuthorizer(origin, credential, realmWorld);
    authorizers.set(key, authorizer);
    return authorizer;
  }
  function sessionOf(place: Place, scopes: readonly string[]): Session {
    const authorizer = authorizerOf(place.origin, place.host);
    return createSession({ place, authorizer, agents, scopes, world, exchange: send });
  }
  return {
    repository(name, { access, mountFrom = [] }) {
      const place = placeOf(name, plainHttp);
      const scopes = [
        `repository:${place.path}:${access === 'push' ? 'pull,push' : 'pull'}`,
        ...mountFrom.map((path) => `repository:${path}:pull`),
      ];
      return createRepository(sessionOf(place, scopes));
    },
    async check(name, signal) {
      const place = placeOf({ ...name, repository: 'check' }, plainHttp);
      const session = sessionOf({ ...place, shown: place.host }, []);
      const url = new URL('/v2/', place.origin);
      const status = await session.ask({ method: 'GET', url, signal }, (answer) => {
        answer.discard();
        return answer.status;
      });
      if (status !== 200) throw new PortkitError('PK4035', `${place.host} does not answer as registries do (status ${status})`);
    },
    [Symbol.dispose]: () => agents[Symbol.dispose](),
  };
}
