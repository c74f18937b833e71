import { homedir } from 'node:os';
import { text } from 'node:stream/consumers';
import { credentialFiles } from '../oci/credentials/files.ts';
import { findCredential } from '../oci/credentials/find.ts';
import type { RunHelper } from '../oci/credentials/helper.ts';
import { createOwnStore } from '../oci/credentials/own-store.ts';
import type { CredentialFor } from './registries.ts';

/** Who asks at a host: portkit's own logins, then Docker's and podman's files and the helper programs that these name. */
export const machineCredential: CredentialFor = (host, signal) => {
  const { own, foreign } = credentialFiles(process.env, homedir());
  return findCredential(host, { own: createOwnStore(own), foreign, run: runHelper, warn }, signal);
};

/** Helpers need the environment of the user: keyrings and agents are found through it. */
const runHelper: RunHelper = async ({ program, verb, input, signal }) => {
  const { runProgram } = await import('../ops/run-program.ts');
  const env = Object.fromEntries(
    Object.entries(process.env).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])),
  );
  const { stdout, ended } = runProgram({ argv: [program, verb], env, input: once(Buffer.from(input)), signal });
  const said = await text(stdout);
  return { status: (await ended).status, stdout: said };
};

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}

function warn(message: string): void {
  process.stderr.write(`warning: ${message}\n`);
}
