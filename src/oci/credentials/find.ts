import { PortkitError } from '../../base/errors.ts';
import { entryFor, helperFor, parseAuthFile } from './auth-file.ts';
import type { AuthFile } from './auth-file.ts';
import type { Credential } from './credential.ts';
import { readForeign } from './files.ts';
import { askHelper, listHelper } from './helper.ts';
import type { HelperWorld } from './helper.ts';
import { hostOf, hostOfKey } from './host.ts';
import type { OwnStore } from './own-store.ts';

/** Where credentials are looked for. */
export interface CredentialSources extends HelperWorld {
  readonly own: OwnStore;
  /** Files in the form of Docker's or podman's, in their order. */
  readonly foreign: readonly string[];
}

/** A login that was found, without what is secret in it. */
export interface KnownLogin {
  readonly host: string;
  readonly username: string | undefined;
  /** The file or program that has it. */
  readonly from: string;
}

/**
 * Who asks at a host: our own logins first, then, file by file, the helper of the host, the helper of the file, and what
 * the file itself has. Trouble with one of them is told, and the next is looked into: what everybody may read can be read
 * without any.
 */
export async function findCredential(
  host: string,
  sources: CredentialSources,
  signal: AbortSignal,
): Promise<Credential | undefined> {
  const wanted = hostOf(host);
  const own = await ownCredential(wanted, sources);
  if (own !== undefined) return own;
  for (const path of sources.foreign) {
    const file = await readAuthFile(path, sources);
    if (file === undefined) continue;
    const helper = helperFor(file, wanted);
    const world = helperWorld(sources, signal);
    const found = (helper === undefined ? undefined : await askHelper(helper, wanted, world)) ?? entryFor(file, wanted);
    if (found !== undefined) return found;
  }
  return undefined;
}

async function ownCredential(host: string, sources: CredentialSources): Promise<Credential | undefined> {
  try {
    return await sources.own.credentialFor(host);
  } catch (error) {
    if (!(error instanceof PortkitError) || error.code !== 'PK4040') throw error;
    sources.warn([error.message, ...(error.hint === undefined ? [] : [error.hint])].join('. '));
    return undefined;
  }
}

/** All hosts that somebody is known at, each as often as it is found. */
export async function listLogins(sources: CredentialSources, signal: AbortSignal): Promise<readonly KnownLogin[]> {
  const logins: KnownLogin[] = [...(await sources.own.list())].map(([host, username]) => ({ host, username, from: 'portkit' }));
  for (const path of sources.foreign) {
    const file = await readAuthFile(path, sources);
    if (file !== undefined) logins.push(...(await loginsOf({ path, file }, sources, signal)));
  }
  return logins.toSorted((a, b) => (a.host < b.host ? -1 : 1));
}

async function loginsOf(
  { path, file }: { readonly path: string; readonly file: AuthFile },
  sources: CredentialSources,
  signal: AbortSignal,
): Promise<readonly KnownLogin[]> {
  const logins: KnownLogin[] = [];
  for (const key of Object.keys(file.auths)) {
    const host = hostOfKey(key);
    const found = host === undefined ? undefined : entryFor(file, host);
    if (host === undefined || found === undefined) continue;
    logins.push({ host, username: found.kind === 'basic' ? found.username : undefined, from: path });
  }
  const world = helperWorld(sources, signal);
  const all = file.credsStore === undefined ? new Map<string, string>() : await listHelper(file.credsStore, world);
  for (const [host, username] of all) logins.push({ host, username, from: `docker-credential-${file.credsStore ?? ''}` });
  for (const [key, helper] of Object.entries(file.credHelpers)) {
    const host = hostOfKey(key);
    if (host === undefined || typeof helper !== 'string') continue;
    const known = await listHelper(helper, world);
    logins.push({ host, username: known.get(host), from: `docker-credential-${helper}` });
  }
  return logins;
}

function helperWorld(sources: CredentialSources, signal: AbortSignal) {
  const { run, patienceMs } = sources;
  return { run, signal, warn: (message: string) => sources.warn(message), ...(patienceMs !== undefined && { patienceMs }) };
}

async function readAuthFile(path: string, sources: CredentialSources): Promise<AuthFile | undefined> {
  const text = await readForeign(path, (message) => sources.warn(message));
  if (text === undefined) return undefined;
  const file = parseAuthFile(text);
  if (file === undefined) sources.warn(`${path} is no file of credentials`);
  return file;
}
