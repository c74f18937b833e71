import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { hash } from 'node:crypto';
import type { Digest } from '../../base/digest.ts';
import { digestFromHex, hexOf } from '../../base/digest.ts';
import { PortkitError } from '../../base/errors.ts';
import { writeFully } from './durable.ts';
import { plainFile } from './plain-file.ts';

/**
 * A pack holds a batch of small blobs, one after another, and is never changed. It starts with `magic` and ends with its
 * table (32-byte digest and u32 length each, in the order of the blobs), the table's SHA-256, the u32 count, and `magic`.
 * Its name is the table's SHA-256, so the same batch written twice is the same file.
 */
const magic = Buffer.from('PKPACK1\n', 'latin1');
const rowSize = 36;
const trailerSize = 32 + 4 + magic.length;

/** One blob inside a pack. */
export interface PackEntry {
  readonly digest: Digest;
  readonly offset: number;
  readonly size: number;
}

/** Writes one pack to an unfinished file. */
export interface PackWriter {
  readonly fd: number;
  readonly entries: readonly PackEntry[];
  add(digest: Digest, bytes: Uint8Array): void;
  /** Writes the table; the file is then whole, and durable once the caller has synced it. */
  finish(): { readonly name: string; readonly size: number };
}

/** Starts a pack at a path that does not exist. */
export function createPack(path: string): PackWriter {
  const fd = openSync(path, 'wx', 0o600);
  const buffer = Buffer.allocUnsafe(1 << 18);
  const entries: PackEntry[] = [];
  let filled = magic.copy(buffer, 0);
  let offset = filled;
  function put(bytes: Uint8Array): void {
    if (filled + bytes.length > buffer.length) flush();
    if (bytes.length > buffer.length) writeFully(fd, bytes);
    else {
      buffer.set(bytes, filled);
      filled += bytes.length;
    }
  }
  function flush(): void {
    writeFully(fd, buffer.subarray(0, filled));
    filled = 0;
  }
  return {
    fd,
    entries,
    add(digest, bytes) {
      put(bytes);
      entries.push({ digest, offset, size: bytes.length });
      offset += bytes.length;
    },
    finish() {
      const table = encodeTable(entries);
      const name = hash('sha256', table, 'buffer');
      const trailer = Buffer.alloc(trailerSize);
      name.copy(trailer, 0);
      trailer.writeUInt32LE(entries.length, 32);
      magic.copy(trailer, 36);
      put(table);
      put(trailer);
      flush();
      return { name: name.toString('hex'), size: offset + table.length + trailerSize };
    },
  };
}

function encodeTable(entries: readonly PackEntry[]): Buffer {
  const table = Buffer.allocUnsafe(entries.length * rowSize);
  entries.forEach((entry, at) => {
    table.write(hexOf(entry.digest), at * rowSize, 'hex');
    table.writeUInt32LE(entry.size, at * rowSize + 32);
  });
  return table;
}

/** The blobs a pack says it holds; throws PK2001 when the pack's table is not whole. */
export function readPackTable(path: string): readonly PackEntry[] {
  const fd = openSync(path, plainFile);
  try {
    return parseTable(fd, path);
  } finally {
    closeSync(fd);
  }
}

function parseTable(fd: number, path: string): readonly PackEntry[] {
  const stat = fstatSync(fd);
  if (!stat.isFile()) throw damaged(path);
  const trailer = readAt(fd, stat.size - trailerSize, trailerSize);
  if (trailer === undefined || !trailer.subarray(36).equals(magic)) throw damaged(path);
  const count = trailer.readUInt32LE(32);
  const table = readAt(fd, stat.size - trailerSize - count * rowSize, count * rowSize);
  if (table === undefined || !hash('sha256', table, 'buffer').equals(trailer.subarray(0, 32))) throw damaged(path);
  const entries: PackEntry[] = [];
  let offset = magic.length;
  for (let at = 0; at < table.length; at += rowSize) {
    const size = table.readUInt32LE(at + 32);
    entries.push({ digest: digestFromHex(table.toString('hex', at, at + 32)), offset, size });
    offset += size;
  }
  if (offset !== stat.size - trailerSize - table.length) throw damaged(path);
  return entries;
}

/** The bytes at a place of a file, or undefined when the file does not reach that far. */
export function readAt(fd: number, offset: number, size: number): Buffer | undefined {
  if (offset < 0) return undefined;
  const bytes = Buffer.allocUnsafe(size);
  for (let done = 0; done < size;) {
    const read = readSync(fd, bytes, done, size - done, offset + done);
    if (read === 0) return undefined;
    done += read;
  }
  return bytes;
}

function damaged(path: string): PortkitError {
  return new PortkitError('PK2001', `The pack ${path} is damaged`, { hint: 'Run "portkit cache verify --repair"' });
}
