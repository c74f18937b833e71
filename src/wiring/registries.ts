import { readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { PortkitError } from '../base/errors.ts';
import { credentialFiles } from '../oci/credentials/files.ts';
import { findCredential } from '../oci/credentials/find.ts';
import type { CredentialSources } from '../oci/credentials/find.ts';
import { createOwnStore } from '../oci/credentials/own-store.ts';
import type { Reference } from '../oci/model/reference.ts';
import { createRegistryClient } from '../oci/registry/client.ts';
import type { RegistryClient, RegistryOptions } from '../oci/registry/client.ts';
import type { RegistryRepository } from '../oci/registry/repository.ts';
import { registrySettings } from '../oci/registry/settings.ts';

/** How a repository is opened. */
export interface RepositoryAccess {
  readonly access: 'pull' | 'push';
  readonly transport?: 'plain-http' | 'tls';
  /** Repositories of the same registry that blobs may be taken from. */
  readonly mountFrom?: readonly string[];
}

/** Registries as a user reaches them, and the logins of that user; connections end when they are disposed. */
export interface Registries extends Disposable {
  readonly client: RegistryClient;
  readonly logins: CredentialSources;
  repository(reference: Reference, access: RepositoryAccess): RegistryRepository;
}

/** Who the user is, and who is told about trouble with logins of other programs. */
export interface RegistryUser {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly home: string;
  warn(message: string): void;
}

/** Who asks at a host of a registry. */
export type CredentialFor = NonNullable<RegistryOptions['credentialFor']>;

/** The registries as the user of this process reaches them. */
export function openRegistries(credentialFor?: CredentialFor): Registries {
  const warn = (message: string): void => void process.stderr.write(`warning: ${message}\n`);
  return registriesOf({ env: process.env, home: homedir(), warn }, credentialFor);
}

/** The registries of a user, who asks by their logins unless it is said otherwise. */
export function registriesOf(user: RegistryUser, credentialFor?: CredentialFor): Registries {
  const { own, foreign } = credentialFiles(user.env, user.home);
  const logins: CredentialSources = {
    own: createOwnStore(own),
    foreign,
    run: (call) => runHelper(call, user.env),
    warn: (message) => user.warn(message),
  };
  const client = createRegistryClient({
    ...settingsOf(user.env),
    world: {
      now: () => new Date(),
      random: Math.random,
      sleep: (ms, signal) => sleep(ms, undefined, { signal }),
    },
    credentialFor: credentialFor ?? ((host, signal) => findCredential(host, logins, signal)),
  });
  return {
    client,
    logins,
    repository: ({ registry, repository }, { transport, ...intent }) =>
      client.repository({ registry, repository, ...(transport !== undefined && { transport }) }, intent),
    [Symbol.dispose]: () => client[Symbol.dispose](),
  };
}

/** What the environment says about registries, with the certificates that it names. */
function settingsOf(env: RegistryUser['env']): ReturnType<typeof registrySettings> {
  const settings = registrySettings(env);
  const path = env['PORTKIT_REGISTRY_CA'] ?? '';
  if (path === '') return settings;
  return { ...settings, connections: { ...settings.connections, authorities: [readAuthorities(path)] } };
}

function readAuthorities(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (cause) {
    throw new PortkitError('PK1004', `The certificates of PORTKIT_REGISTRY_CA cannot be read: ${path}`, { cause });
  }
}

const mostHelperBytes = 1 << 20;

/** Helpers are started as this program was: they look for sockets, keys and sessions of the user. */
async function runHelper(
  { program, verb, input, signal }: Parameters<CredentialSources['run']>[0],
  variables: RegistryUser['env'],
): ReturnType<CredentialSources['run']> {
  const { runProgram } = await import('../ops/run-program.ts');
  const env = Object.fromEntries(Object.entries(variables).filter((entry): entry is [string, string] => entry[1] !== undefined));
  const { stdout, ended } = runProgram({ argv: [program, verb], env, input: only(Buffer.from(input)), signal });
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of stdout) {
    size += chunk.length;
    if (size <= mostHelperBytes) chunks.push(chunk);
  }
  const { status } = await ended;
  return { status, stdout: Buffer.concat(chunks).toString('utf8') };
}

async function* only(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}
