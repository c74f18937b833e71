import { PortkitError } from '../base/errors.ts';
import type { Unxz } from '../formats/compression/decompress.ts';
import type { RunProgram } from './run-program.ts';

/** Reads xz with the `xz` program, which may use 512 MiB (a dictionary can ask for 4 GiB). */
export function xzProgram(run: RunProgram): Unxz {
  return async function* unxz(source, signal) {
    const argv = [
      'xz',
      '--decompress',
      '--stdout',
      '--format=xz',
      '--threads=1',
      '--memlimit-decompress=512MiB',
      '--quiet',
    ] as const;
    const { stdout, ended } = run({ argv: [...argv], env: {}, input: source, signal });
    yield* stdout;
    const { status, stderr } = await ended;
    if (status === 0) return;
    throw new PortkitError('PK3304', 'The xz stream is malformed, or needs more than 512 MiB of memory', {
      hint: `xz says: ${stderr.trim().slice(0, 500)}`,
    });
  };
}
