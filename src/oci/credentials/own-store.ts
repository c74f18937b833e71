import { constants } from 'node:fs';
import { mkdir, open, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { PortkitError, systemCode } from '../../base/errors.ts';
import { systemReason } from '../../base/system-reason.ts';
import { takeLock } from '../../execution/lock.ts';
import { syncDirectory } from '../../store/disk/durable.ts';
import { credentialOf, entryFor, fieldsOf, parseObject } from './auth-file.ts';
import type { Credential } from './credential.ts';
import { readOwn, refused } from './files.ts';
import { hostOf, hostOfKey } from './host.ts';

/** The logins that portkit keeps itself, in a file of the form of Docker's that only its user may read. */
export interface OwnStore {
  credentialFor(host: string): Promise<Credential | undefined>;
  /** Stores a credential in the place of the one that the host had. */
  login(host: string, credential: Credential, signal: AbortSignal): Promise<void>;
  /** Whether there was one. */
  logout(host: string, signal: AbortSignal): Promise<boolean>;
  /** The hosts, with the user where one is known. */
  list(): Promise<ReadonlyMap<string, string | undefined>>;
}

type Fields = Readonly<Record<string, unknown>>;

/** The store that is one file. */
export function createOwnStore(path: string): OwnStore {
  async function read(): Promise<Fields> {
    const text = await readOwn(path);
    if (text === undefined) return {};
    const value = parseObject(text);
    if (value === undefined) throw refused(path, 'it is no object of JSON', 'Delete it, and log in again');
    return value;
  }
  /** Changes the entries of hosts, and nothing else in the file. */
  async function change(work: (auths: Fields) => Fields, signal: AbortSignal): Promise<void> {
    try {
      await mkdir(dirname(path), { recursive: true, mode: 0o700 });
      using _ = await takeLock(`${path}.lock`, signal);
      const before = await read();
      await replace(path, `${JSON.stringify({ ...before, auths: work(fieldsOf(before['auths'])) }, null, 2)}\n`);
    } catch (error) {
      const code = systemCode(error);
      if (error instanceof PortkitError || code === undefined) throw error;
      if (code === 'ENOSPC' || code === 'EDQUOT') {
        const said = `The file of logins ${path} cannot be written: ${systemReason(error)}`;
        throw new PortkitError('PK2007', said, { hint: 'Free space there: what stood in it still does', cause: error });
      }
      throw refused(path, `it cannot be written: ${systemReason(error)}`);
    }
  }
  return {
    async credentialFor(host) {
      return entryFor({ auths: fieldsOf((await read())['auths']) }, hostOf(host));
    },
    async login(host, credential, signal) {
      const key = hostOf(host);
      const entry = entryOf(credential);
      await change((auths) => ({ ...without(auths, key), [key]: { ...unknownOf(auths[key]), ...entry } }), signal);
    },
    async logout(host, signal) {
      const key = hostOf(host);
      let there = false;
      const forget = (auths: Fields) => {
        const after = without(auths, key);
        there = Object.keys(after).length < Object.keys(auths).length;
        return after;
      };
      if ((await readOwn(path)) !== undefined) await change(forget, signal);
      return there;
    },
    async list() {
      const hosts = new Map<string, string | undefined>();
      for (const [key, entry] of Object.entries(fieldsOf((await read())['auths']))) {
        const credential = credentialOf(fieldsOf(entry));
        const host = hostOfKey(key);
        if (host === undefined || credential === undefined) continue;
        hosts.set(host, credential.kind === 'basic' ? credential.username : undefined);
      }
      return hosts;
    },
  };
}

function without(auths: Fields, host: string): Fields {
  return Object.fromEntries(Object.entries(auths).filter(([key]) => hostOfKey(key) !== host));
}

/** What an entry has beside credentials. */
function unknownOf(entry: unknown): Fields {
  const { auth: _auth, username: _name, password: _word, identitytoken: _id, registrytoken: _token, ...rest } = fieldsOf(entry);
  return rest;
}

function entryOf(credential: Credential): Fields {
  if (credential.kind === 'identity-token') return { identitytoken: credential.token.reveal() };
  if (credential.kind === 'bearer') return { registrytoken: credential.token.reveal() };
  const { username, password } = credential;
  // oxlint-disable-next-line no-control-regex -- control characters are what this is about
  if (username === '' || /[:\0-\x1f\x7f]/.test(username) || password.reveal() === '') {
    throw new PortkitError('PK4041', 'A login needs a password, and a user name without ":"');
  }
  return { auth: Buffer.from(`${username}:${password.reveal()}`).toString('base64') };
}

/**
 * Writes a file that is whole or not there, and never readable by others. Who calls has the lock: what stands in the way was
 * left by a run that was killed, and its secrets go.
 */
async function replace(path: string, text: string): Promise<void> {
  const temporary = `${path}.new`;
  await rm(temporary, { force: true });
  try {
    {
      await using handle = await open(temporary, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL, 0o600);
      await handle.writeFile(text);
      await handle.sync();
    }
    await rename(temporary, path);
    syncDirectory(dirname(path));
  } finally {
    await rm(temporary, { force: true });
  }
}
