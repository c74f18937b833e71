import { parseReference } from '../model/reference.ts';
import { nearnessOfHost } from '../../http/nearness.ts';

/** Which repository, and how its registry is spoken to when that does not follow from its host. */
export interface RepositoryName {
  readonly registry: string;
  readonly repository: string;
  readonly transport?: 'plain-http' | 'tls';
}

/** Where requests for a repository go. */
export interface Place {
  /** The host as users write it, by which credentials are found. */
  readonly host: string;
  readonly path: string;
  readonly origin: string;
  readonly shown: string;
  /** An address below the repository, such as `blobs/sha256:…`. */
  url(below: string): URL;
}

/** The registry of Docker Hub has another name than its users know. */
const endpoints: Readonly<Record<string, string>> = {
  'docker.io': 'registry-1.docker.io',
  'index.docker.io': 'registry-1.docker.io',
};

/** Where a repository is; only loopback hosts and those of `plainHttp` are spoken to without TLS, unless it is asked for. */
export function placeOf(name: RepositoryName, plainHttp: readonly string[]): Place {
  const { registry: host, repository: path } = parseReference(`${name.registry}/${name.repository}`);
  const scheme = isPlain({ ...name, registry: host }, plainHttp) ? 'http' : 'https';
  const { origin } = new URL(`${scheme}://${endpoints[host] ?? host}`);
  return { host, path, origin, shown: `${host}/${path}`, url: (below) => new URL(`/v2/${path}/${below}`, origin) };
}

/** Whether a host is spoken to without TLS, by what is said of it or of its name. */
export function isPlain(
  { registry: host, transport }: Omit<RepositoryName, 'repository'>,
  plainHttp: readonly string[],
): boolean {
  if (transport !== undefined) return transport === 'plain-http';
  const { hostname } = new URL(`https://${host}`);
  return nearnessOfHost(hostname) === 'loopback' || plainHttp.includes(host) || plainHttp.includes(hostname);
}

/** The path of a repository beside this one; PK4005 when it is none. */
export function neighbour({ host }: Pick<Place, 'host'>, path: string): string {
  return parseReference(`${host}/${path}`).repository;
}
