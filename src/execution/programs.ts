import { rm } from 'node:fs/promises';
import { PortkitError } from '../base/errors.ts';
import type { Spawner } from './spawner.ts';
import type { User } from './workplace.ts';

/** What the host's own programs do for the executor; they are named by absolute path and found in every Debian. */
export interface Programs {
  /** Removes a folder whatever modes and depth are in it, following no link. */
  discard(path: string): Promise<void>;
  /** Makes a user the owner of everything in a folder, following no link. */
  giveAway(path: string, user: User, signal: AbortSignal): Promise<void>;
}

/** The programs, run by a spawner outside of any sandbox. */
export function createPrograms(spawner: Spawner): Programs {
  async function run(argv: readonly [string, ...string[]], signal: AbortSignal): Promise<void> {
    const said: Uint8Array[] = [];
    const end = await spawner.run({ argv }, { signal, output: (_stream, bytes) => said.push(bytes) });
    if (end.status === 0) return;
    throw new PortkitError('PK2008', `${argv[0]} failed: ${Buffer.concat(said).toString().trim().slice(0, 500)}`);
  }
  return {
    async discard(path) {
      try {
        await rm(path, { recursive: true, force: true });
      } catch {
        const { signal } = new AbortController();
        await run(['/bin/chmod', '-R', 'u+rwx', '--', path], signal).catch(() => {});
        await run(['/bin/rm', '-rf', '--', path], signal);
      }
    },
    giveAway: (path, { uid, gid }, signal) => run(['/bin/chown', '-hR', `${uid}:${gid}`, '--', path], signal),
  };
}
