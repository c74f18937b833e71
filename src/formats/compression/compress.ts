import { setImmediate as nextTurn } from 'node:timers/promises';
import { constants, createZstdCompress } from 'node:zlib';
import { PortkitError } from '../../base/errors.ts';
import { gzip } from './gzip.ts';
import { piecesOf } from './pieces.ts';
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
  return compression.format === 'gzip' ? gzip(source, { level }, signal) : zstd(source, level, signal);
}

/** Large enough to be quick; a codec may cut its blocks by how it is fed, so the size never changes. */
const piece = 2 ** 16;

/**
 * One frame, as Linux does not unpack an initramfs that goes on in the next one. Node's zlib must never be told to use
 * several threads for it (`nbWorkers`): its streams then end early without an error.
 */
async function* zstd(source: AsyncIterable<Uint8Array>, level: number, signal: AbortSignal): AsyncGenerator<Uint8Array> {
  const pieces = piecesOf(source);
  const [first, second] = [Buffer.allocUnsafeSlow(piece), Buffer.allocUnsafeSlow(piece)];
  const fill = async (room: Buffer): Promise<Buffer> => room.subarray(0, await pieces.into(room));
  const ahead = { room: first, other: second, filled: fill(first) };

  /** The next piece; the one after it is fetched while the codec, on its thread, is busy with this one. */
  async function pull(): Promise<Buffer> {
    const bytes = await ahead.filled;
    if (bytes.length === 0) return bytes;
    [ahead.room, ahead.other] = [ahead.other, ahead.room];
    ahead.filled = nextTurn().then(() => fill(ahead.room));
    // Who awaits it may be gone when it fails.
    ahead.filled.catch(() => undefined);
    return bytes;
  }

  const codec = createZstdCompress({
    params: { [constants.ZSTD_c_compressionLevel]: level, [constants.ZSTD_c_checksumFlag]: 1 },
  });
  try {
    yield* through(codec, { left: Buffer.alloc(0), pull }, signal);
  } finally {
    await ahead.filled.catch(() => undefined);
    await pieces.close();
  }
}
