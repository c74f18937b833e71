import { createHash } from 'node:crypto';
import { readSync } from 'node:fs';
import { digestFromHex, digestOf } from '../base/digest.ts';
import type { Digest } from '../base/digest.ts';
import { PortkitError } from '../base/errors.ts';
import type { Scratch } from '../ops/scratch-file.ts';
import type { BlobStore, SmallBlobs } from '../store/blobs.ts';

/** Where the bytes of one blob are; writers that take turns give it several parts. */
type Parts = { readonly at: number; length: number }[];

const pieceSize = 1 << 20;

/** A store that lives as long as an open file: nothing of it is durable, and nobody else can change it. */
export function spoolOn({ fd, write }: Pick<Scratch, 'fd' | 'write'>): BlobStore & SmallBlobs {
  const blobs = new Map<Digest, Parts>();
  let end = 0;

  function append(parts: Parts, bytes: Uint8Array): void {
    write(bytes, end);
    const last = parts.at(-1);
    if (last !== undefined && last.at + last.length === end) last.length += bytes.length;
    else parts.push({ at: end, length: bytes.length });
    end += bytes.length;
  }

  function add(bytes: Uint8Array): Digest {
    const digest = digestOf(bytes);
    if (blobs.has(digest)) return digest;
    const parts: Parts = [];
    append(parts, bytes);
    blobs.set(digest, parts);
    return digest;
  }

  return {
    stat(digest) {
      const parts = blobs.get(digest);
      return Promise.resolve(parts && { digest, size: sizeOf(parts) });
    },
    open(digest, signal) {
      const parts = blobs.get(digest);
      return Promise.resolve(parts && read(fd, parts, signal));
    },
    async write(content, signal) {
      const [hash, parts]: [ReturnType<typeof createHash>, Parts] = [createHash('sha256'), []];
      for await (const bytes of content) {
        signal.throwIfAborted();
        hash.update(bytes);
        append(parts, bytes);
      }
      const digest = digestFromHex(hash.digest('hex'));
      if (!blobs.has(digest)) blobs.set(digest, parts);
      return { digest, size: sizeOf(parts) };
    },
    get(digest, limit = Infinity) {
      const parts = blobs.get(digest);
      if (parts === undefined) return undefined;
      const size = sizeOf(parts);
      if (size > limit) throw new PortkitError('PK1004', `The blob ${digest} has ${size} bytes; at most ${limit} were asked for`);
      return Buffer.concat(parts.map((part) => readPart(fd, part)));
    },
    batch: () => ({ add, commit: () => Promise.resolve() }),
  };
}

function sizeOf(parts: Parts): number {
  return parts.reduce((sum, { length }) => sum + length, 0);
}

async function* read(fd: number, parts: Parts, signal: AbortSignal): AsyncGenerator<Uint8Array> {
  for (const { at, length } of parts) {
    for (let done = 0; done < length; done += pieceSize) {
      signal.throwIfAborted();
      yield await Promise.resolve(readPart(fd, { at: at + done, length: Math.min(pieceSize, length - done) }));
    }
  }
}

function readPart(fd: number, { at, length }: Parts[number]): Buffer {
  const bytes = Buffer.allocUnsafe(length);
  for (let done = 0; done < length;) {
    const count = readSync(fd, bytes, done, length - done, at + done);
    if (count === 0) throw new Error('The spool is shorter than what was written to it');
    done += count;
  }
  return bytes;
}
