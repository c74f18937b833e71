import { PortkitError } from '../base/errors.ts';
import { compress, compressionLibrary, levelOf } from '../formats/compression/compress.ts';
import type { RunProgram } from './run-program.ts';

/** How to make a stream smaller; without a level the format's usual one (gzip 6, zstd 3, xz 6, lz4 9). */
export interface Packing {
  readonly format: 'gzip' | 'zstd' | 'xz' | 'lz4';
  readonly level?: number;
}

/** Makes streams smaller, always to the same bytes. */
export interface Packer {
  /** PK1004 for a level that the format does not have, PK6901 when its program is not there. */
  readonly pack: (source: AsyncIterable<Uint8Array>, packing: Packing, signal: AbortSignal) => AsyncIterable<Uint8Array>;
  /** The library or program that decides the bytes: whoever keeps results names it in the key. */
  readonly maker: (format: Packing['format'], signal: AbortSignal) => string | Promise<string>;
}

/** Refuses (PK1004) a level that the format does not have. */
export function checkLevel({ format, level }: Packing): void {
  if (format === 'gzip' || format === 'zstd') levelOf({ format, ...(level !== undefined && { level }) });
  else programOf({ format, level });
}

/**
 * gzip and zstd are made here. xz and legacy LZ4, which Node has no codecs for, are made by the programs `xz` and `lz4` of
 * the machine, looked for in `path`, in the forms that Linux unpacks: xz with CRC-32, and by one thread, as several make
 * other bytes.
 */
export function packerWith(run: () => Promise<RunProgram>, path: string): Packer {
  const env = { PATH: path, LC_ALL: 'C' };
  return {
    pack(source, { format, level }, signal) {
      if (format === 'gzip' || format === 'zstd')
        return compress(source, { format, ...(level !== undefined && { level }) }, signal);
      return packed({ argv: programOf({ format, level }), input: source }, signal);
    },
    maker(format, signal) {
      return format === 'gzip' || format === 'zstd' ? compressionLibrary(format) : versionOf(format, signal);
    },
  };

  async function* packed(
    { argv, input }: { readonly argv: readonly [string, ...string[]]; readonly input: AsyncIterable<Uint8Array> },
    signal: AbortSignal,
  ): AsyncGenerator<Uint8Array> {
    const source = watched(input);
    const { stdout, ended } = (await run())({ argv, env, input: source.bytes(), signal });
    yield* stdout;
    const { status, stderr } = await ended;
    source.rethrow();
    if (status !== 0)
      throw new PortkitError('PK3957', `${argv[0]} failed with ${status ?? 'a signal'}: ${stderr.trim().slice(0, 200)}`);
  }

  async function versionOf(program: 'xz' | 'lz4', signal: AbortSignal): Promise<string> {
    const { stdout, ended } = (await run())({ argv: [program, '--version'], env, signal });
    const said = Buffer.concat(await Array.fromAsync(stdout)).toString('latin1');
    await ended;
    return said.split('\n')[0] ?? '';
  }
}

/** A program that reads too little ends by itself; what went wrong with its input is what has to be told. */
export function watched(input: AsyncIterable<Uint8Array>): {
  readonly bytes: () => AsyncGenerator<Uint8Array>;
  readonly rethrow: () => void;
} {
  let failed: Error | undefined;
  return {
    async *bytes() {
      try {
        yield* input;
      } catch (error) {
        failed = error instanceof Error ? error : new Error(String(error));
        throw error;
      }
    },
    rethrow() {
      if (failed !== undefined) throw failed;
    },
  };
}

function programOf({
  format,
  level,
}: {
  readonly format: 'xz' | 'lz4';
  readonly level: number | undefined;
}): readonly [string, ...string[]] {
  const most = format === 'xz' ? 9 : 12;
  const wanted = level ?? (format === 'xz' ? 6 : 9);
  if (!(Number.isInteger(wanted) && wanted >= 1 && wanted <= most))
    throw new PortkitError('PK1004', `${format} has no level ${wanted}`, { hint: `The levels of ${format} are 1 to ${most}` });
  return format === 'xz' ? ['xz', '-zc', '-T1', '--check=crc32', `-${wanted}`] : ['lz4', '-z', '-l', '-c', '-q', `-${wanted}`];
}
