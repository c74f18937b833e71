import { isAbsolute, join } from 'node:path';
import { findProgram } from '../base/find-program.ts';
import { credentialFiles } from '../oci/credentials/files.ts';
import type { CredentialSources } from '../oci/credentials/find.ts';
import { createOwnStore } from '../oci/credentials/own-store.ts';
import { runProgram } from '../ops/run-program.ts';

/** Who the user is, and who is told about trouble with the credentials of other programs. */
export interface RegistryUser {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly home: string;
  warn(message: string): void;
}

/** Where a user keeps credentials: our own file, Docker's, podman's, and that of `lns` when it has the same form. */
export function credentialSources(user: RegistryUser): CredentialSources {
  const { env, home } = user;
  const { own, foreign } = credentialFiles(meaningful(env), home);
  return {
    own: createOwnStore(own),
    foreign: [...foreign, join(home, '.lns-registry-auth.json')],
    run: helperIn(env),
    warn: (message) => user.warn(message),
  };
}

/** Empty variables mean nothing, and neither do relative folders in those of XDG (its base directory specification). */
function meaningful(env: RegistryUser['env']): Readonly<Record<string, string | undefined>> {
  return Object.fromEntries(
    Object.entries(env).filter(([name, value = '']) => value !== '' && (!name.startsWith('XDG_') || isAbsolute(value))),
  );
}

/** Bytes that are read of a helper: those who list what they have say most. */
const mostBytes = 1 << 20;

/** Helpers are started as this program was, as Docker does: they look for sockets, keys and sessions of the user. */
function helperIn(environment: RegistryUser['env']): CredentialSources['run'] {
  return async ({ program, verb, input, signal }) => {
    const path = findProgram(program, environment['PATH'] ?? '');
    if (path === undefined) throw new Error(`${program} is not in PATH`);
    const env = Object.fromEntries(Object.entries(environment).flatMap(([name, value = '']) => [[name, value]]));
    const enough = new AbortController();
    const stop = AbortSignal.any([signal, enough.signal]);
    const { stdout, ended } = runProgram({ argv: [path, verb], env, input: bytes(input), signal: stop });
    const chunks: Uint8Array[] = [];
    let size = 0;
    for await (const chunk of stdout) {
      size += chunk.length;
      if (size > mostBytes) {
        enough.abort();
        return { status: undefined, stdout: undefined };
      }
      chunks.push(chunk);
    }
    return { status: (await ended).status, stdout: Buffer.concat(chunks).toString('utf8') };
  };
}

async function* bytes(input: string): AsyncGenerator<Uint8Array> {
  yield Buffer.from(input);
}
