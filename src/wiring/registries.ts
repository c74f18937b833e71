import { setTimeout as sleep } from 'node:timers/promises';
import { credentialFiles } from '../oci/credentials/files.ts';
import { findCredential } from '../oci/credentials/find.ts';
import type { CredentialSources } from '../oci/credentials/find.ts';
import { createOwnStore } from '../oci/credentials/own-store.ts';
import { createRegistryClient } from '../oci/registry/client.ts';
import type { RegistryClient } from '../oci/registry/client.ts';
import { registrySettings } from '../oci/registry/settings.ts';
import { runProgram } from '../ops/run-program.ts';

/** Registries as a user reaches them, and the logins of that user. */
export interface Registries extends Disposable {
  readonly client: RegistryClient;
  readonly logins: CredentialSources;
}

/** Who the user is, and who is told about trouble with logins of other programs. */
export interface RegistryUser {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly home: string;
  warn(message: string): void;
}

/** The registries of a user; connections are kept until they are disposed. */
export function registriesOf(user: RegistryUser): Registries {
  const { own, foreign } = credentialFiles(user.env, user.home);
  const logins: CredentialSources = {
    own: createOwnStore(own),
    foreign,
    run: (call) => runHelper(call, user.env),
    warn: (message) => user.warn(message),
  };
  const client = createRegistryClient({
    ...registrySettings(user.env),
    world: {
      now: () => new Date(),
      random: Math.random,
      sleep: (ms, signal) => sleep(ms, undefined, { signal }),
    },
    credentialFor: (host, signal) => findCredential(host, logins, signal),
  });
  return { client, logins, [Symbol.dispose]: () => client[Symbol.dispose]() };
}

const mostHelperBytes = 1 << 20;

/** Helpers are started as this program was: they look for sockets, keys and sessions of the user. */
async function runHelper(
  { program, verb, input, signal }: Parameters<CredentialSources['run']>[0],
  variables: RegistryUser['env'],
): ReturnType<CredentialSources['run']> {
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
