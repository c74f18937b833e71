import { PortkitError } from '../base/errors.ts';
import type { Unxz } from '../formats/compression/decompress.ts';
import type { RunProgram } from './run-program.ts';

/** Unpacks xz with the `xz` program, which is looked for in `path` and may use 1 GiB of memory. */
export function unxzWith(run: RunProgram, path: string): Unxz {
  return async function* unxz(input, signal) {
    const argv = ['xz', '-dc', '--memlimit-decompress=1GiB'] as const;
    const { stdout, ended } = run({ argv, env: { PATH: path }, input, signal });
    yield* stdout;
    const { status, stderr } = await ended;
    if (status === 0) return;
    throw new PortkitError('PK3304', `The xz stream is malformed: ${stderr.trim().slice(0, 200)}`);
  };
}
