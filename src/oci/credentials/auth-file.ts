import { Secret } from './credential.ts';
import type { Credential } from './credential.ts';
import { hostOfKey } from './host.ts';

/** A file of credentials in the form of Docker's `config.json`, of which podman's is a part. */
export interface AuthFile {
  readonly auths: Fields;
  readonly credHelpers: Fields;
  readonly credsStore: string | undefined;
}

type Fields = Readonly<Record<string, unknown>>;

/** An object with its members, else one without any. */
export function fieldsOf(value: unknown): Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Fields) : {};
}

/** The parts of such a file that are understood; undefined when its text is no object of JSON. */
export function parseAuthFile(text: string): AuthFile | undefined {
  const value = parseObject(text);
  if (value === undefined) return undefined;
  const { auths, credHelpers, credsStore } = value;
  return {
    auths: fieldsOf(auths),
    credHelpers: fieldsOf(credHelpers),
    credsStore: typeof credsStore === 'string' ? credsStore : undefined,
  };
}

/** An object of JSON. What is wrong with other text is not said: parsers quote what they read. */
export function parseObject(text: string): Fields | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Fields) : undefined;
  } catch {
    return undefined;
  }
}

/** The name of the helper program that a file says is asked for a host. */
export function helperFor({ credHelpers, credsStore }: AuthFile, host: string): string | undefined {
  const [, own] = Object.entries(credHelpers).find(([key]) => hostOfKey(key) === host) ?? [];
  return typeof own === 'string' && own !== '' ? own : credsStore === '' ? undefined : credsStore;
}

/** What a file itself has for a host; a key that is the host counts before one that means it. */
export function entryFor({ auths }: Pick<AuthFile, 'auths'>, host: string): Credential | undefined {
  const exact = Object.hasOwn(auths, host) ? auths[host] : undefined;
  const [, similar] = Object.entries(auths).find(([key]) => hostOfKey(key) === host) ?? [];
  return credentialOf(fieldsOf(exact ?? similar));
}

/** The credential of one entry, undefined when it has none: helpers leave empty ones. */
export function credentialOf({ auth, username, password, identitytoken, registrytoken }: Fields): Credential | undefined {
  if (isText(registrytoken)) return { kind: 'bearer', token: new Secret(registrytoken) };
  if (isText(identitytoken)) return { kind: 'identity-token', token: new Secret(identitytoken) };
  if (isText(auth)) {
    const plain = Buffer.from(auth, 'base64').toString('utf8').replace(/\0+$/, '');
    const colon = plain.indexOf(':');
    return colon < 0 ? undefined : pair(plain.slice(0, colon), plain.slice(colon + 1));
  }
  return isText(username) && isText(password) ? pair(username, password) : undefined;
}

/** A user name and password; the name "<token>" says that the password is an identity token. */
export function pair(username: string, password: string): Credential | undefined {
  if (password === '') return undefined;
  if (username === '<token>') return { kind: 'identity-token', token: new Secret(password) };
  return { kind: 'basic', username, password: new Secret(password) };
}

function isText(value: unknown): value is string {
  return typeof value === 'string' && value !== '';
}
