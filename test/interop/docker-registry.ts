import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const program = ['/usr/bin/docker-registry', '/usr/local/bin/docker-registry'].find((path) => existsSync(path));

/** Why Debian's registry cannot be asked here, or undefined. */
export const noRegistry = program === undefined ? 'there is no docker-registry' : undefined;

/** A line of htpasswd for the user of `asking.ts`, with a bcrypt of its password. */
export const oneUser = 'me:$2b$04$cFAJzLeElIdn7cMluX5OmeW18wDxbAv9.ME2PhJWhh1bbtt/yBhyS\n';

/** A running registry with an empty storage of its own. */
export interface DockerRegistry extends AsyncDisposable {
  readonly host: string;
}

/** Files in PEM form that a registry shows who it is with. */
export interface RegistryCertificate {
  readonly certificate: string;
  readonly key: string;
}

/**
 * Starts Debian's registry on a free port of the loopback; `htpasswd` are lines of users with bcrypt passwords. With a
 * certificate it only speaks TLS.
 */
export async function startDockerRegistry(htpasswd?: string, tls?: RegistryCertificate): Promise<DockerRegistry> {
  const folder = await mkdtemp(join(tmpdir(), 'portkit-registry-'));
  const host = `127.0.0.1:${await freePort()}`;
  const users = join(folder, 'htpasswd');
  if (htpasswd !== undefined) await writeFile(users, htpasswd);
  const config = {
    version: 0.1,
    log: { level: 'error', accesslog: { disabled: true } },
    storage: { filesystem: { rootdirectory: join(folder, 'data') }, delete: { enabled: true } },
    http: { addr: host, ...(tls && { tls }) },
    ...(htpasswd === undefined ? {} : { auth: { htpasswd: { realm: 'portkit', path: users } } }),
  };
  // YAML takes JSON.
  await writeFile(join(folder, 'config.yml'), JSON.stringify(config));
  const child = spawn(program ?? '', ['serve', join(folder, 'config.yml')], {
    stdio: 'ignore',
    env: {},
  });
  const ended = once(child, 'exit');
  const stop = async () => {
    child.kill('SIGKILL');
    await ended;
    await rm(folder, { recursive: true });
  };
  try {
    // A server that only speaks TLS answers this too, though with a refusal.
    await answering(`http://${host}/v2/`);
  } catch (error) {
    await stop();
    throw error;
  }
  return { host, [Symbol.asyncDispose]: stop };
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

async function answering(url: string): Promise<void> {
  for (let tries = 0; ; tries += 1) {
    try {
      await fetch(url);
      return;
    } catch (error) {
      if (tries === 200) throw error;
      await new Promise((resolve) => setTimeout(resolve, 25));
    }
  }
}
