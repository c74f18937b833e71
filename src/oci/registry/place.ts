import { PortkitError } from '../../base/errors.ts';
import { nearnessOfHost } from './nearness.ts';

/** Which repository, and how its registry is spoken to when that does not follow from its host. */
export interface RepositoryName {
  /** `HOST[:PORT]`. */
  readonly host: string;
  readonly path: string;
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

const hostForm = /^(?:[a-z0-9](?:[a-z0-9._-]*[a-z0-9])?|\[[0-9a-f:.]+\])(?::\d{1,5})?$/i;
const pathForm = /^[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*(?:\/[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*)*$/;
const tagForm = /^[A-Za-z0-9_][A-Za-z0-9._-]{0,127}$/;

/** The registry of Docker Hub has another name than its users know. */
const endpoints: Readonly<Record<string, string>> = {
  'docker.io': 'registry-1.docker.io',
  'index.docker.io': 'registry-1.docker.io',
};

/** Where a repository is; only loopback hosts and those of `plainHttp` are spoken to without TLS, unless it is asked for. */
export function placeOf(name: RepositoryName, plainHttp: readonly string[]): Place {
  const { host } = name;
  if (!hostForm.test(host)) throw malformed('host', host);
  const path = checkedPath(name.path);
  const scheme = isPlain(name, plainHttp) ? 'http' : 'https';
  const { origin, port } = new URL(`${scheme}://${endpoints[host] ?? host}`);
  if (port === '0') throw malformed('host', host);
  return { host, path, origin, shown: `${host}/${path}`, url: (below) => new URL(`/v2/${path}/${below}`, origin) };
}

function isPlain({ host, transport }: RepositoryName, plainHttp: readonly string[]): boolean {
  if (transport !== undefined) return transport === 'plain-http';
  const { hostname } = new URL(`https://${host}`);
  return nearnessOfHost(hostname) === 'loopback' || plainHttp.includes(host) || plainHttp.includes(hostname);
}

/** The path of a repository; PK4005 when it is none. */
export function checkedPath(path: string): string {
  if (path.length > 255 || !pathForm.test(path)) throw malformed('repository', path);
  return path;
}

/** A tag; PK4005 when it is none. */
export function checkedTag(tag: string): string {
  if (!tagForm.test(tag)) throw malformed('tag', tag);
  return tag;
}

/** Whether text can be a tag. */
export function isTag(text: string): boolean {
  return tagForm.test(text);
}

function malformed(what: string, text: string): PortkitError {
  return new PortkitError('PK4005', `Malformed ${what} ${JSON.stringify(text.slice(0, 150))}`);
}
