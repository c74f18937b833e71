import { constants, crc32, createDeflateRaw, createZstdCompress } from 'node:zlib';
import { PortkitError } from '../../base/errors.ts';
import { byteReader } from '../byte-reader.ts';
import { through } from './through.ts';

/** How to make a stream smaller; without a level the format's usual one (gzip 6, zstd 3). */
export interface Compression {
  readonly format: 'gzip' | 'zstd';
  readonly level?: number;
}

const levels = { gzip: { most: 9, usual: 6 }, zstd: { most: 22, usual: 3 } } as const;

/** The level that is meant; refuses (PK1004) one that the format does not have. */
export function levelOf({ format, level }: Compression): number {
  const { most, usual } = levels[format];
  if (level === undefined) return usual;
  if (Number.isInteger(level) && level >= 1 && level <= most) return level;
  throw new PortkitError('PK1004', `${format} has no level ${level}`, { hint: `The levels of ${format} are 1 to ${most}` });
}

/**
 * The library that decides the bytes: the same one gives the same bytes for the same input, another one may not. Whoever
 * keeps results names it in the key.
 */
export function compressionLibrary(format: Compression['format']): string {
  return format === 'gzip' ? `zlib ${process.versions.zlib}` : `zstd ${process.versions['zstd'] ?? ''}`;
}

/** A stream made smaller, always to the same bytes: no time, no name, and pieces of one size whatever the chunks were. */
export function compress(
  source: AsyncIterable<Uint8Array>,
  compression: Compression,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array> {
  const level = levelOf(compression);
  return compression.format === 'gzip' ? gzip(source, level, signal) : zstd(source, level, signal);
}

/** Large enough to be quick; a codec may cut its blocks by how it is fed, so the size never changes. */
const piece = 2 ** 16;

async function* zstd(source: AsyncIterable<Uint8Array>, level: number, signal: AbortSignal): AsyncGenerator<Uint8Array> {
  const reader = byteReader(source);
  const codec = createZstdCompress({
    params: { [constants.ZSTD_c_compressionLevel]: level, [constants.ZSTD_c_checksumFlag]: 1 },
  });
  try {
    yield* through(codec, { left: Buffer.alloc(0), pull: () => reader.take(piece) }, signal);
  } finally {
    await reader.close();
  }
}

/** RFC 1952: no name, no time, and the operating system "unknown". */
async function* gzip(source: AsyncIterable<Uint8Array>, level: number, signal: AbortSignal): AsyncGenerator<Uint8Array> {
  const reader = byteReader(source);
  let sum = 0;
  let size = 0;
  async function pull(): Promise<Buffer> {
    const bytes = await reader.take(piece);
    sum = crc32(bytes, sum);
    size = (size + bytes.length) % 2 ** 32;
    return bytes;
  }
  try {
    yield Buffer.from([0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255]);
    yield* through(createDeflateRaw({ level }), { left: Buffer.alloc(0), pull }, signal);
    const trailer = Buffer.alloc(8);
    trailer.writeUInt32LE(sum, 0);
    trailer.writeUInt32LE(size, 4);
    yield trailer;
  } finally {
    await reader.close();
  }
}
