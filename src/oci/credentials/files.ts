import { constants } from 'node:fs';
import { open } from 'node:fs/promises';
import { isAbsolute, join } from 'node:path';
import { PortkitError, systemCode } from '../../base/errors.ts';

/** Where credentials may be. */
export interface CredentialFiles {
  /** The file of portkit's own logins. */
  readonly own: string;
  /** Files of other programs, in the order in which they are looked into. */
  readonly foreign: readonly string[];
}

/** The files of a user: Docker's, then podman's, at the places where these programs look for them. */
export function credentialFiles(env: Readonly<Record<string, string | undefined>>, home: string): CredentialFiles {
  // The XDG base directory specification: a relative path is invalid and is ignored.
  const folder = (name: string) => (isAbsolute(env[name] ?? '') ? env[name] : undefined);
  const settings = folder('XDG_CONFIG_HOME') ?? join(home, '.config');
  const runtime = folder('XDG_RUNTIME_DIR');
  const podman = env['REGISTRY_AUTH_FILE'] ?? '';
  return {
    own: join(settings, 'portkit', 'auth.json'),
    foreign: [
      join(env['DOCKER_CONFIG'] || join(home, '.docker'), 'config.json'),
      ...(podman === '' ? [] : [podman]),
      ...(runtime === undefined ? [] : [join(runtime, 'containers', 'auth.json')]),
      join(settings, 'containers', 'auth.json'),
    ],
  };
}

const mostBytes = 1024 * 1024;

/** The text of a file of another program; undefined when it is not there. Other trouble is told and not thrown. */
export async function readForeign(path: string, warn: (message: string) => void): Promise<string | undefined> {
  try {
    await using handle = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
    const { size, mode } = await handle.stat();
    if (size <= mostBytes && (mode & constants.S_IFMT) === constants.S_IFREG) return await handle.readFile('utf8');
    warn(`${path} is no file of credentials`);
  } catch (error) {
    const code = systemCode(error);
    if (code !== 'ENOENT' && code !== 'ENOTDIR') warn(`${path} cannot be read: ${code ?? 'unknown'}`);
  }
  return undefined;
}

/**
 * The text of portkit's own file; undefined when it is not there. A file that others could have read or written, or that
 * is somewhere else in truth, is refused (PK4040): what it holds may be known or forged.
 */
export async function readOwn(path: string): Promise<string | undefined> {
  try {
    await using handle = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
    const { mode, uid, size } = await handle.stat();
    if ((mode & constants.S_IFMT) !== constants.S_IFREG || size > mostBytes) throw refused(path, 'it is no plain file of logins');
    if (uid !== process.getuid?.()) throw refused(path, 'it belongs to another user');
    if ((mode & 0o077) !== 0) throw refused(path, 'other users may use it', `Make it private: chmod 600 ${path}`);
    return await handle.readFile('utf8');
  } catch (error) {
    const code = systemCode(error);
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined;
    if (error instanceof PortkitError) throw error;
    throw refused(path, code === 'ELOOP' ? 'it is a symbolic link' : `it cannot be read (${code ?? 'unknown'})`);
  }
}

/** The error for a file of logins that is not used. */
export function refused(path: string, why: string, hint?: string): PortkitError {
  return new PortkitError('PK4040', `The file of logins ${path} is not used: ${why}`, hint === undefined ? {} : { hint });
}
