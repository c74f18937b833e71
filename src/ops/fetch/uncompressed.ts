import { Readable, pipeline } from 'node:stream';
import type { Transform } from 'node:stream';
import { createGunzip, createZstdDecompress } from 'node:zlib';
import { PortkitError, systemCode } from '../../base/errors.ts';
import type { RunProgram } from '../run-program.ts';

/** What decompressing is lent. */
export interface UncompressWorld {
  readonly run: RunProgram;
  /** Where programs are looked for. */
  readonly path: string;
  readonly signal: AbortSignal;
}

/** The content without its compression (gzip, zstd, xz, told by its first bytes), at most `limit` bytes of it. */
export async function* uncompressed(
  content: AsyncIterable<Uint8Array>,
  limit: number,
  world: UncompressWorld,
): AsyncGenerator<Uint8Array> {
  const chunks = content[Symbol.asyncIterator]();
  const start = await firstBytes(chunks);
  let size = 0;
  for await (const chunk of decode(start, joined(start, chunks), world)) {
    size += chunk.length;
    if (size > limit) throw new PortkitError('PK3204', `Uncompressed content has more than the ${limit} bytes that are allowed`);
    yield chunk;
  }
}

function decode(start: Buffer, all: AsyncIterable<Uint8Array>, world: UncompressWorld): AsyncIterable<Uint8Array> {
  const magic = start.toString('hex');
  if (magic.startsWith('1f8b')) return inProcess(all, createGunzip());
  if (magic.startsWith('28b52ffd')) return inProcess(all, createZstdDecompress());
  return magic.startsWith('fd377a585a00') ? throughXz(all, world) : all;
}

async function* throughXz(input: AsyncIterable<Uint8Array>, world: UncompressWorld): AsyncGenerator<Uint8Array> {
  const { path: PATH, run, signal } = world;
  const { stdout, ended } = run({ argv: ['xz', '-dc', '--memlimit=1GiB'], env: { PATH }, input, signal });
  yield* stdout;
  const { status, stderr } = await ended;
  if (status !== 0) throw new PortkitError('PK3211', `xz cannot read the content: ${stderr.trim().slice(0, 200)}`);
}

async function* inProcess(all: AsyncIterable<Uint8Array>, codec: Transform): AsyncGenerator<Uint8Array> {
  // The failure of either stream comes out of the iteration below.
  pipeline(Readable.from(all, { objectMode: false }), codec, () => undefined);
  try {
    for await (const chunk of codec) yield chunk as Uint8Array;
  } catch (error) {
    if (!/^(?:Z_|ZSTD_|ERR_ZLIB)/.test(systemCode(error) ?? '')) throw error;
    throw new PortkitError('PK3211', 'Compressed content is malformed', { cause: error });
  }
}

async function firstBytes(chunks: AsyncIterator<Uint8Array>): Promise<Buffer> {
  let start = Buffer.alloc(0);
  while (start.length < 6) {
    const next = await chunks.next();
    if (next.done === true) break;
    start = Buffer.concat([start, next.value]);
  }
  return start;
}

async function* joined(start: Uint8Array, rest: AsyncIterator<Uint8Array>): AsyncGenerator<Uint8Array> {
  yield start;
  for (let next = await rest.next(); next.done !== true; next = await rest.next()) yield next.value;
}
