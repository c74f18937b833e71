import { constants, crc32, deflateRaw } from 'node:zlib';
import { piecesOf } from './pieces.ts';

/** How to make a gzip. */
export interface GzipOptions {
  readonly level: number;
  /** Pieces that are compressed at once; decides the time and never the bytes. */
  readonly atOnce?: number;
}

/** The bytes of each piece. Another size would give other bytes. */
export const gzipPiece = 2 ** 20;

/** As many threads as Node has for such work, unless told otherwise. */
const usualAtOnce = 4;

/**
 * One gzip member (RFC 1952: no name, no time, the operating system "unknown") whose pieces were compressed each for itself,
 * on threads, and joined at byte boundaries: what every gunzip and the kernel reads, and the same bytes on any machine with
 * the same zlib. Several members would be simpler, but Linux does not unpack an initramfs that goes on in the next member.
 */
export async function* gzip(
  source: AsyncIterable<Uint8Array>,
  { level, atOnce = usualAtOnce }: GzipOptions,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array> {
  const pieces = piecesOf(source);
  const running: { readonly room: Buffer; readonly made: Promise<Buffer> }[] = [];
  const rooms: Buffer[] = Array.from({ length: atOnce }, () => Buffer.allocUnsafeSlow(gzipPiece));
  let sum = 0;
  let size = 0;

  /** Begins pieces while there is room; answers whether there are more. */
  async function fill(): Promise<boolean> {
    for (let room = rooms.pop(); room !== undefined; room = rooms.pop()) {
      signal.throwIfAborted();
      const bytes = room.subarray(0, await pieces.into(room));
      if (bytes.length === 0) return false;
      sum = crc32(bytes, sum);
      size = (size + bytes.length) % 2 ** 32;
      running.push({ room, made: deflatePiece(bytes, level) });
    }
    return true;
  }

  try {
    yield Buffer.from([0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255]);
    for (let more = true; ;) {
      if (more) more = await fill();
      const next = running.shift();
      if (next === undefined) break;
      const made = await next.made;
      signal.throwIfAborted();
      rooms.push(next.room);
      yield made;
    }
    // The last block, which is empty.
    const end = Buffer.from([3, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
    end.writeUInt32LE(sum, 2);
    end.writeUInt32LE(size, 6);
    yield end;
  } finally {
    await Promise.allSettled(running.map(({ made }) => made));
    await pieces.close();
  }
}

/** Deflate blocks that refer to nothing before them and end at a byte, none of them marked as the last. */
function deflatePiece(bytes: Buffer, level: number): Promise<Buffer> {
  // The most memory for the encoder is the quickest. Most pieces become half as long: room for more is memory for nothing,
  // and less would mean more ways to a thread and back.
  const options = { level, memLevel: 9, finishFlush: constants.Z_FULL_FLUSH, chunkSize: gzipPiece / 2 };
  const { promise, resolve, reject } = Promise.withResolvers<Buffer>();
  deflateRaw(bytes, options, (error, made) => (error === null ? resolve(made) : reject(error)));
  // Who awaits it may be gone when it fails.
  promise.catch(() => undefined);
  return promise;
}
