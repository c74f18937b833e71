import { constants, createGunzip, createZstdDecompress } from 'node:zlib';
import { PortkitError, systemCode } from '../../base/errors.ts';
import { byteReader, remaining } from '../byte-reader.ts';
import type { ByteReader } from '../byte-reader.ts';
import { gunzipMember } from './gzip-member.ts';
import { unlz4 } from './lz4.ts';
import { through } from './through.ts';
import type { Codec, Feed } from './through.ts';

/** The formats that can be read; LZ4 in its legacy form only, which kernels and initrds have. */
export type CompressedFormat = 'gzip' | 'zstd' | 'xz' | 'lz4';

/** What a compressed stream may give: a few bytes can stand for a full disk. */
export interface DecompressLimits {
  /** Bytes in all. */
  readonly bytes: number;
  /** Bytes for each byte of the compressed stream. */
  readonly ratio: number;
  /** The bytes that are free of the ratio: an empty disk image is very small. */
  readonly free: number;
}

/** What no honest kernel, image or archive reaches. */
export const defaultDecompressLimits: DecompressLimits = { bytes: 64 * 2 ** 30, ratio: 10_000, free: 2 ** 30 };

/** Unpacks xz: a program of the machine, as Node has no codec for it. Malformed input is an exception. */
export type Unxz = (source: AsyncIterable<Uint8Array>, signal: AbortSignal) => AsyncIterable<Uint8Array>;

/** What decompressing is lent. */
export interface DecompressHelp {
  readonly limits: DecompressLimits;
  readonly unxz: Unxz;
}

const magics = [
  ['gzip', '1f8b08'],
  ['zstd', '28b52ffd'],
  ['xz', 'fd377a585a00'],
  ['lz4', '02214c18'],
] as const;

/** The format that a stream begins like, and the stream from its beginning. */
export async function detectCompression(
  source: AsyncIterable<Uint8Array>,
): Promise<{ readonly format: CompressedFormat | undefined; readonly content: AsyncGenerator<Uint8Array> }> {
  const reader = byteReader(source);
  const head = await reader.take(6);
  reader.putBack(head);
  return { format: compressionOf(head), content: remaining(reader) };
}

/** The format that begins with these six bytes. */
export function compressionOf(head: Buffer): CompressedFormat | undefined {
  return magics.find(([, magic]) => head.toString('hex').startsWith(magic))?.[0];
}

/**
 * A compressed stream as it was before: every member of it to the very end. What is cut off, damaged or followed by
 * anything else is PK3304, what is beyond a limit PK3303.
 */
export async function* decompress(
  source: AsyncIterable<Uint8Array>,
  { format, limits, unxz }: DecompressHelp & { readonly format: CompressedFormat },
  signal: AbortSignal,
): AsyncGenerator<Uint8Array> {
  const reader = byteReader(source);
  function opened(): AsyncIterable<Uint8Array> {
    if (format === 'xz') return unxz(rest(reader), signal);
    return format === 'lz4' ? unlz4(reader, signal) : members(reader, format, signal);
  }
  try {
    yield* limited(opened(), { format, limits, taken: () => reader.offset });
  } finally {
    await reader.close();
  }
}

/**
 * One gzip member or zstd frame, or all that is left of an xz or LZ4 stream, within its limits; what stands behind it stays in the
 * reader.
 */
export async function* decompressMember(
  reader: ByteReader,
  { format, limits, unxz }: DecompressHelp & { readonly format: CompressedFormat },
  signal: AbortSignal,
): AsyncGenerator<Uint8Array> {
  const begin = reader.offset;
  yield* limited(member(reader, { format, unxz }, signal), { format, limits, taken: () => reader.offset - begin });
}

async function* member(
  reader: ByteReader,
  { format, unxz }: { readonly format: CompressedFormat; readonly unxz: Unxz },
  signal: AbortSignal,
): AsyncGenerator<Uint8Array> {
  if (format === 'xz' || format === 'lz4') {
    yield* format === 'xz' ? unxz(rest(reader), signal) : unlz4(reader, signal);
    return;
  }
  const feed: Feed = { left: Buffer.alloc(0), pull: () => reader.some(2 ** 16) };
  const given = format === 'gzip' ? gunzipMember(reader, signal) : through(decoder(format), feed, signal);
  yield* told(given, { format, reader });
  reader.putBack(feed.left);
}

async function* limited(
  given: AsyncIterable<Uint8Array>,
  { format, limits, taken }: { format: CompressedFormat; limits: DecompressLimits; taken: () => number },
): AsyncGenerator<Uint8Array> {
  let size = 0;
  for await (const bytes of given) {
    size += bytes.length;
    if (size > limits.bytes) throw tooLarge(format, `more than ${limits.bytes} bytes`);
    if (size > limits.free && size > limits.ratio * taken())
      throw tooLarge(format, `more than ${limits.ratio} times its own size`);
    yield bytes;
  }
}

async function* rest(reader: ByteReader): AsyncGenerator<Uint8Array> {
  for (let bytes = await reader.some(2 ** 16); bytes.length > 0; bytes = await reader.some(2 ** 16)) yield bytes;
}

/** gzip files and zstd frames may stand one behind the other. */
async function* members(reader: ByteReader, format: 'gzip' | 'zstd', signal: AbortSignal): AsyncGenerator<Uint8Array> {
  const feed: Feed = { left: Buffer.alloc(0), pull: () => reader.some(2 ** 16) };
  do {
    yield* told(through(decoder(format), feed, signal), { format, reader });
    if (feed.left.length === 0) feed.left = await feed.pull();
  } while (feed.left.length > 0);
}

/** Damage is told as an error with a code. */
async function* told(
  given: AsyncGenerator<Uint8Array>,
  { format, reader }: { readonly format: CompressedFormat; readonly reader: ByteReader },
): AsyncGenerator<Uint8Array> {
  try {
    yield* given;
  } catch (error) {
    const code = systemCode(error) ?? '';
    if (!/^Z_|^ZSTD_|^ERR_ZSTD/.test(code)) throw error;
    throw new PortkitError('PK3304', `The ${format} stream is malformed near byte ${reader.offset}`, {
      hint: code === 'Z_BUF_ERROR' ? 'It is cut off' : 'It is damaged, or something else stands behind it',
      cause: error,
    });
  }
}

/** The window, which a stream chooses by itself, may take 128 MiB of memory and no more. */
function decoder(format: 'gzip' | 'zstd'): Codec {
  return format === 'gzip' ? createGunzip() : createZstdDecompress({ params: { [constants.ZSTD_d_windowLogMax]: 27 } });
}

function tooLarge(format: CompressedFormat, what: string): PortkitError {
  return new PortkitError('PK3303', `The ${format} stream gives ${what}`);
}
