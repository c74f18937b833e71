import { mkdirSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { systemCode } from '../base/errors.ts';
import { showDuration } from '../base/units.ts';
import type { Credential } from '../oci/credentials/credential.ts';
import { findCredential } from '../oci/credentials/find.ts';
import type { Reference } from '../oci/model/reference.ts';
import { createRegistryClient } from '../oci/registry/client.ts';
import type { RegistryClient, RegistryOptions } from '../oci/registry/client.ts';
import type { RegistryRepository } from '../oci/registry/repository.ts';
import { resuming } from '../oci/resume/resume.ts';
import { isPlain } from '../oci/registry/place.ts';
import { registrySettings } from '../oci/registry/settings.ts';
import { certificatesOf } from './certificates.ts';
import { credentialSources } from './credentials.ts';
import type { RegistryUser } from './credentials.ts';

/** How a repository is opened. */
export interface RepositoryAccess {
  readonly access: 'pull' | 'push';
  readonly transport?: 'plain-http' | 'tls';
  /** Repositories of the same registry that blobs may be taken from. */
  readonly mountFrom?: readonly string[];
}

/** The registries as this machine reaches them; connections end when it is disposed. */
export interface Registries extends Disposable {
  readonly client: RegistryClient;
  /** A repository; one that is only read gives large blobs that go on where another process was ended. */
  repository(reference: Reference, access: RepositoryAccess): RegistryRepository;
}

/** Who asks at a host of a registry. */
export type CredentialFor = NonNullable<RegistryOptions['credentialFor']>;

/** What the use of registries is told to, and may keep. */
export interface RegistrySurroundings {
  /** Takes what is wrong with the files and programs of others that have credentials, each once. */
  readonly warn: (message: string) => void;
  /** Where what comes of large blobs is kept until they are whole; undefined when that cannot be. */
  readonly folder?: () => Promise<string | undefined>;
  /** What a definition says instead of the credentials of the user. */
  readonly credentialFor?: CredentialFor;
  /**
   * A definition says which hosts are spoken to without TLS, and may be anybody's: the credentials of the user only go there
   * when the user says so of the host, too.
   */
  readonly isDefined?: boolean;
}

/** Registries by the proxies, authorities, plain hosts and credentials of this machine. */
export function openRegistries({ warn, ...around }: RegistrySurroundings): Registries {
  return registriesOf({ env: process.env, home: homedir(), warn }, around);
}

/** The registries of a user, who asks by their logins unless it is said otherwise. */
export function registriesOf(user: RegistryUser, around: Omit<RegistrySurroundings, 'warn'> = {}): Registries {
  const { folder = () => Promise.resolve(undefined), credentialFor, isDefined = false } = around;
  const told = new Set<string>();
  const warn = (message: string): void => {
    if (!told.has(message)) user.warn(message);
    told.add(message);
  };
  const sources = credentialSources({ ...user, warn });
  const ofUser: CredentialFor = async (host, signal, origin) => {
    const found = await findCredential(host, sources, signal);
    if (found === undefined || !isDefined || origin.startsWith('https:')) return found;
    if (isPlain({ registry: host }, registrySettings(user.env).plainHttp ?? [])) return found;
    warn(`the credentials for ${host} are not sent without TLS; if they are to be, list it in PORTKIT_REGISTRY_PLAIN_HTTP`);
    return undefined;
  };
  const held = new DisposableStack();
  const client = held.use(clientOf(user.env, credentialFor ?? ofUser, warn));
  return {
    client,
    repository({ registry, repository: path }, { transport, ...intent }) {
      const said = transport === undefined ? {} : { transport };
      const repository = client.repository({ registry, repository: path, ...said }, intent);
      if (intent.access === 'push') return repository;
      const { filing, ...kept } = held.use(resuming(repository, { folder, now: Date.now }));
      return {
        ...repository,
        ...(filing && { filing }),
        fetch: (descriptor, signal) => kept.fetch(descriptor, signal),
      };
    },
    [Symbol.dispose]: () => held.dispose(),
  };
}

/** Where a store keeps what is still coming from registries; undefined when it cannot. */
export function partsFolder(store: string): string | undefined {
  try {
    const folder = join(store, 'downloads', 'oci');
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    return folder;
  } catch (error) {
    if (systemCode(error) !== undefined) return undefined;
    throw error;
  }
}

/** A credential that is to be tried at a host. */
export interface LoginTrial extends Pick<RepositoryAccess, 'transport'> {
  readonly host: string;
  readonly credential: Credential;
}

/** Asks a registry whether it takes a credential; PK4030 when it does not. */
export async function tryLogin({ host, credential, transport }: LoginTrial, signal: AbortSignal): Promise<void> {
  using client = clientOf(process.env, () => Promise.resolve(credential));
  await client.check({ registry: host, ...(transport !== undefined && { transport }) }, signal);
}

/** Shorter waits are nothing to tell of (milliseconds). */
const longWait = 1000;

function clientOf(env: RegistryUser['env'], credentialFor: CredentialFor, warn?: (message: string) => void): RegistryClient {
  const { connections, ...settings } = registrySettings(env);
  return createRegistryClient({
    ...settings,
    connections: { ...connections, ...certificatesOf(env) },
    credentialFor,
    world: {
      ...world,
      waiting: ({ message }, ms) => ms >= longWait && warn?.(`${message}: trying again in ${showDuration(ms)}`),
    },
  });
}

const world: RegistryOptions['world'] = {
  now: () => new Date(),
  random: Math.random,
  sleep: async (ms, signal) => {
    await sleep(ms, undefined, { signal });
  },
};
