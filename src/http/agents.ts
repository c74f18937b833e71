import { lookup as lookupInDns } from 'node:dns';
import { Agent as HttpAgent } from 'node:http';
import type { LookupFunction, Socket } from 'node:net';
import { PortkitError } from '../base/errors.ts';
import { farthest, nearnessOfAddress, nearnessOfHost, nearnesses } from './nearness.ts';
import type { Nearness } from './nearness.ts';
import { connectReusing } from './receive.ts';

/** A certificate that says who we are, for one host only. */
interface ClientCertificate {
  /** `HOST[:PORT]`. */
  readonly host: string;
  readonly certificate: string;
  readonly key: string;
}

/** How connections are made. */
export interface ConnectionOptions {
  /** Proxies by what they are for; `none` lists hosts that are asked directly. Loopback hosts always are. */
  readonly proxies?: { readonly http?: string; readonly https?: string; readonly none?: string };
  /** Certificates in PEM form that are trusted beside those of the system. */
  readonly authorities?: readonly string[];
  readonly clientCertificates?: readonly ClientCertificate[];
  readonly lookup?: LookupFunction;
}

/** Keeps connections for later requests until it is disposed. */
export interface Agents extends Disposable {
  /** What `http.request` needs to know about a connection; `within` says which addresses it may go to. */
  connection(url: URL, within?: (nearness: Nearness) => boolean): { agent: HttpAgent; lookup: LookupFunction };
  /** How near a host is: what it says itself, else the farthest that its name ever led to. */
  nearnessOf(url: URL): Nearness;
  /** Whether a name led there when it was first looked up. */
  ledTo(url: URL, nearness: Nearness): boolean;
}

/** Bytes that a connection may have ready for its reader: large pieces cost less than many. */
const readAtOnce = 1 << 20;

/** The connections of one client. */
export function createAgents(options: ConnectionOptions): Agents {
  const agents = new Map<string, HttpAgent>();
  const known = new Map<string, { readonly farthest: Nearness; readonly first: readonly Nearness[] }>();
  const lookup = options.lookup ?? lookupInDns;
  function agentFor(url: URL, within: ((nearness: Nearness) => boolean) | undefined): HttpAgent {
    const direct = nearnessOfHost(url.hostname) === 'loopback';
    const own = options.clientCertificates?.find(({ host }) => host === url.host);
    // A connection is only used again where the address that it was made to would be allowed, too.
    const allowed = within === undefined ? 'any' : nearnesses.filter(within).join();
    const key = [url.protocol, allowed, direct, own === undefined ? '' : url.host].join(' ');
    const agent = agents.get(key) ?? createAgent(url, options, direct);
    agents.set(key, agent);
    return agent;
  }
  return {
    connection: (url, allowed) => {
      const nearness = nearnessOfHost(url.hostname);
      // Loopback names are trusted to stay on this machine, whatever a name server says of them.
      const within = nearness === 'loopback' ? (to: Nearness) => to === 'loopback' && allowed?.(to) !== false : allowed;
      if (within !== undefined && nearness !== undefined && !within(nearness)) throw refused(url);
      return { agent: agentFor(url, within), lookup: guardedLookup(url, within) };
    },
    nearnessOf: ({ hostname }) => nearnessOfHost(hostname) ?? known.get(hostname)?.farthest ?? 'public',
    ledTo: ({ hostname }, nearness) => known.get(hostname)?.first.includes(nearness) === true,
    [Symbol.dispose]() {
      for (const agent of agents.values()) agent.destroy();
    },
  };

  /** Looks names up as ever, but remembers where they led, and refuses what leads too near. */
  function guardedLookup(url: URL, within: ((nearness: Nearness) => boolean) | undefined): LookupFunction {
    return (hostname, wish, done) =>
      lookup(hostname, wish, (error, found, family) => {
        // A proxy is looked up here too, and may be anywhere.
        if (error !== null || hostname !== url.hostname) return done(error, found, family);
        const all = (Array.isArray(found) ? found.map(({ address }) => address) : [found]).map(nearnessOfAddress);
        // Who answers for a name may say anything: what was ever elsewhere is not taken for a neighbour.
        const before = known.get(hostname);
        known.set(hostname, {
          farthest: farthest(before === undefined ? all : [...all, before.farthest]),
          first: before?.first ?? all,
        });
        if (within !== undefined && !all.every(within)) return done(refused(url), found, family);
        return done(null, found, family);
      });
  }
}

function createAgent(url: URL, { proxies, authorities, clientCertificates }: ConnectionOptions, direct: boolean): HttpAgent {
  const proxyEnv = { http_proxy: proxies?.http, https_proxy: proxies?.https, no_proxy: proxies?.none };
  const isDirect = direct || Object.values(proxyEnv).every((proxy) => proxy === undefined);
  const common = { keepAlive: true, highWaterMark: readAtOnce, ...(isDirect ? {} : { proxyEnv }) };
  if (url.protocol === 'http:') return isDirect ? reusing(new HttpAgent(common)) : new HttpAgent(common);
  const own = clientCertificates?.find(({ host }) => host === url.host);
  const { Agent } = process.getBuiltinModule('node:https');
  const agent = new Agent({
    ...common,
    ...(authorities === undefined ? {} : { ca: [...trustedBySystem(), ...authorities] }),
    ...(own === undefined ? {} : { cert: own.certificate, key: own.key }),
  });
  return isDirect ? reusing(agent) : agent;
}

function trustedBySystem(): readonly string[] {
  return process.getBuiltinModule('node:tls').getCACertificates();
}

/** The same agent; its connections read into memory of their own. */
function reusing(agent: HttpAgent): HttpAgent {
  const connect = agent.createConnection.bind(agent);
  agent.createConnection = (options, callback) => connectReusing((more) => connect({ ...options, ...more }, callback) as Socket);
  return agent;
}

function refused({ host }: URL): PortkitError {
  return new PortkitError('PK4034', `${host} leads to an address where requests from elsewhere are not sent`, {
    hint: 'A registry must not point at this machine or at a private network unless it is there itself',
  });
}
