import { homedir } from 'node:os';
import { isAbsolute, join } from 'node:path';
import { text } from 'node:stream/consumers';
import { findProgram } from '../base/find-program.ts';
import { credentialFiles } from '../oci/credentials/files.ts';
import type { CredentialSources } from '../oci/credentials/find.ts';
import { createOwnStore } from '../oci/credentials/own-store.ts';
import { runProgram } from '../ops/run-program.ts';

/**
 * Where this machine keeps credentials, for a user's environment: our own file, Docker's, podman's, and that of `lns`
 * when it has the same form. What is wrong with those of others is told through `warn`.
 */
export function credentialSources(warn: (message: string) => void): CredentialSources {
  const home = homedir();
  const { own, foreign } = credentialFiles(meaningful(process.env), home);
  return {
    own: createOwnStore(own),
    foreign: [...foreign, join(home, '.lns-registry-auth.json')],
    run: runHelper,
    warn,
  };
}

/** Empty variables mean nothing, and neither do relative folders in those of XDG (its base directory specification). */
function meaningful(env: NodeJS.ProcessEnv): Readonly<Record<string, string | undefined>> {
  return Object.fromEntries(
    Object.entries(env).filter(([name, value = '']) => value !== '' && (!name.startsWith('XDG_') || isAbsolute(value))),
  );
}

const runHelper: CredentialSources['run'] = async ({ program, verb, input, signal }) => {
  const path = findProgram(program, process.env['PATH'] ?? '');
  if (path === undefined) throw new Error(`${program} is not in PATH`);
  const env = Object.fromEntries(Object.entries(process.env).flatMap(([name, value = '']) => [[name, value]]));
  const { stdout, ended } = runProgram({ argv: [path, verb], env, input: bytes(input), signal });
  const said = await text(stdout);
  return { status: (await ended).status, stdout: said };
};

async function* bytes(input: string): AsyncGenerator<Uint8Array> {
  yield Buffer.from(input);
}
