import { crc32, createInflateRaw } from 'node:zlib';
import { PortkitError } from '../../base/errors.ts';
import type { ByteReader } from '../byte-reader.ts';
import { through } from './through.ts';
import type { Feed } from './through.ts';

/** The longest file name or comment in front of a member. */
const longestText = 2 ** 16;

/**
 * One gzip member (RFC 1952); what stands behind it stays in the reader. Node's own decoder would go on with whatever
 * follows. Damaged deflate data is Node's error, a wrong frame PK3304.
 */
export async function* gunzipMember(reader: ByteReader, signal: AbortSignal): AsyncGenerator<Uint8Array> {
  await passHeader(reader);
  const feed: Feed = { left: Buffer.alloc(0), pull: () => reader.some(2 ** 16) };
  let sum = 0;
  let size = 0;
  for await (const bytes of through(createInflateRaw(), feed, signal)) {
    sum = crc32(bytes, sum);
    size = (size + bytes.length) % 2 ** 32;
    yield bytes;
  }
  reader.putBack(feed.left);
  const trailer = await reader.take(8);
  if (trailer.length < 8 || trailer.readUInt32LE(0) !== sum || trailer.readUInt32LE(4) !== size)
    throw malformed(reader, 'its checksum or its size is wrong or cut off');
}

async function passHeader(reader: ByteReader): Promise<void> {
  const head = await reader.take(10);
  const flags = head[3] ?? 0xff;
  if (head.length < 10 || head.readUIntBE(0, 3) !== 0x1f8b08 || flags > 0x1f) throw malformed(reader, 'its header is none');
  if ((flags & 4) !== 0) {
    const length = await reader.take(2);
    const extra = length.length < 2 ? 0 : length.readUInt16LE(0);
    if ((await reader.take(extra)).length < extra) throw malformed(reader, 'its header is cut off');
  }
  if ((flags & 8) !== 0) await passText(reader);
  if ((flags & 16) !== 0) await passText(reader);
  if ((flags & 2) !== 0) await reader.take(2);
}

async function passText(reader: ByteReader): Promise<void> {
  for (let length = 0; length < longestText; length++) {
    const [byte] = await reader.take(1);
    if (byte === 0) return;
    if (byte === undefined) break;
  }
  throw malformed(reader, 'a name in its header does not end');
}

function malformed(reader: ByteReader, what: string): PortkitError {
  return new PortkitError('PK3304', `The gzip stream is malformed near byte ${reader.offset}: ${what}`);
}
