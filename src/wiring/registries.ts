import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { PortkitError } from '../base/errors.ts';
import type { Reference } from '../oci/model/reference.ts';
import { createRegistryClient } from '../oci/registry/client.ts';
import type { RegistryOptions } from '../oci/registry/client.ts';
import type { RegistryRepository } from '../oci/registry/repository.ts';

/** The logins of this machine, read when the first registry is asked. */
const machineCredential: CredentialFor = async (host, signal) =>
  (await import('./credentials.ts')).machineCredential(host, signal);

/** How a repository is opened. */
export interface RepositoryAccess {
  readonly access: 'pull' | 'push';
  readonly transport?: 'plain-http' | 'tls';
  /** Repositories of the same registry that blobs may be taken from. */
  readonly mountFrom?: readonly string[];
}

/** The registries as this machine reaches them; connections end when it is disposed. */
export interface Registries extends Disposable {
  repository(reference: Reference, access: RepositoryAccess): RegistryRepository;
}

/** Who asks at a host of a registry. */
export type CredentialFor = NonNullable<RegistryOptions['credentialFor']>;

/** Registries by the proxies, authorities and plain hosts of this machine; by its logins unless somebody else is to ask. */
export function openRegistries(credentialFor: CredentialFor = machineCredential): Registries {
  const client = createRegistryClient({ ...connectionsOf(process.env), world, credentialFor });
  return {
    repository: ({ registry, repository }, { transport, ...intent }) =>
      client.repository({ registry, repository, ...(transport !== undefined && { transport }) }, intent),
    [Symbol.dispose]: () => client[Symbol.dispose](),
  };
}

const world: RegistryOptions['world'] = {
  now: () => new Date(),
  random: Math.random,
  sleep: async (ms, signal) => {
    await sleep(ms, undefined, { signal });
  },
};

function connectionsOf(env: NodeJS.ProcessEnv): Pick<RegistryOptions, 'connections' | 'plainHttp' | 'trustedRealms'> {
  const read = (name: string): string | undefined => env[name.toLowerCase()] ?? env[name];
  const [http, https, none] = [read('HTTP_PROXY'), read('HTTPS_PROXY'), read('NO_PROXY')];
  const authorities = env['PORTKIT_REGISTRY_CA'];
  return {
    connections: {
      proxies: { ...(http && { http }), ...(https && { https }), ...(none && { none }) },
      ...(authorities && { authorities: [readAuthorities(authorities)] }),
    },
    plainHttp: [...words(env['PORTKIT_REGISTRY_PLAIN_HTTP']), ...words(env['LNS_REGISTRY_PLAIN_HTTP'])],
    trustedRealms: words(env['PORTKIT_REGISTRY_REALMS']),
  };
}

function words(list: string | undefined): readonly string[] {
  return (list ?? '')
    .split(',')
    .map((word) => word.trim())
    .filter((word) => word !== '');
}

function readAuthorities(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (cause) {
    throw new PortkitError('PK1004', `The certificates of PORTKIT_REGISTRY_CA cannot be read: ${path}`, { cause });
  }
}
