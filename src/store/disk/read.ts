import { createHash } from 'node:crypto';
import { closeSync, existsSync, fstatSync, openSync } from 'node:fs';
import { digestFromHex, digestOf } from '../../base/digest.ts';
import type { Digest } from '../../base/digest.ts';
import { PortkitError, systemCode } from '../../base/errors.ts';
import type { BlobInfo, BlobReader } from '../blobs.ts';
import { storeFailure } from './failure.ts';
import { readAt } from './pack.ts';
import { isOtherKind, plainFile } from './plain-file.ts';
import { corrupt, loosePath, quarantine } from './quarantine.ts';
import { dropRow, findRow } from './rows.ts';
import type { BlobRow } from './rows.ts';
import type { State } from './state.ts';

/** Read this much at a time: it fits the caches of a core and keeps the event loop free (performance trap 4). */
const chunkSize = 1 << 18;

/** Small blobs are read in one go up to this size unless the caller sets another limit. */
const smallLimit = 16 << 20;

/** Reads blobs from disk; `used` hears of every blob that was asked for and is here. */
export function createReader(state: State, used: (row: BlobRow) => void): BlobReader & Reading {
  function find(digest: Digest): BlobRow | undefined {
    const row = findRow(state.index, digest);
    if (row !== undefined) used(row);
    return row;
  }
  return {
    stat(digest, signal) {
      signal.throwIfAborted();
      const row = find(digest);
      return Promise.resolve(row !== undefined && locate(state, row) !== undefined ? infoOf(row) : undefined);
    },
    open(digest, signal) {
      signal.throwIfAborted();
      const found = find(digest);
      const row = found === undefined ? undefined : locate(state, found);
      if (row === undefined) return Promise.resolve(undefined);
      return Promise.resolve(row.pack === undefined ? streamLoose(state, row, signal) : streamPacked(state, row));
    },
    get(digest, limit = smallLimit) {
      const row = find(digest);
      if (row === undefined) return undefined;
      if (row.size > limit)
        throw new PortkitError('PK1004', `The blob ${digest} has ${row.size} bytes; at most ${limit} were asked for`);
      return readWhole(state, row);
    },
    present: (digests) => digests.map((digest) => presentRow(state, find(digest))),
    fileOf(digest) {
      const row = find(digest);
      return row?.pack === undefined && presentRow(state, row) ? loosePath(state, digest) : undefined;
    },
  };
}

/** The synchronous side of reading. */
interface Reading {
  get(digest: Digest, limit?: number): Uint8Array | undefined;
  present(digests: readonly Digest[]): readonly boolean[];
  fileOf(digest: Digest): string | undefined;
}

function presentRow(state: State, row: BlobRow | undefined): boolean {
  return row !== undefined && locate(state, row) !== undefined;
}

/** Where a blob is: the row itself, or the one that took its place since it was read; a blob whose file is gone is a miss. */
function locate(state: State, row: BlobRow): BlobRow | undefined {
  return hasFile(state, row) ? row : lost(state, row);
}

function hasFile(state: State, row: BlobRow): boolean {
  return row.pack === undefined ? existsSync(loosePath(state, row.digest)) : state.pack(row.pack) !== undefined;
}

function infoOf(row: BlobRow): BlobInfo {
  return { digest: row.digest, size: row.size };
}

/** A whole blob, verified; undefined when its file is gone. */
export function readWhole(state: State, row: BlobRow): Uint8Array | undefined {
  let bytes: Buffer | undefined;
  try {
    if (row.pack !== undefined) {
      const fd = state.pack(row.pack);
      if (fd === undefined) return readMoved(state, lost(state, row));
      bytes = readAt(fd, row.at, row.size);
    } else bytes = readLoose(state, row);
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return readMoved(state, lost(state, row));
    throw unreadable(state, row, error);
  }
  if (bytes === undefined || digestOf(bytes) !== row.digest) {
    quarantine(state, row.digest, row);
    const now = findRow(state.index, row.digest);
    if (now !== undefined && !isSamePlace(now, row)) return readWhole(state, now);
    throw corrupt(row.digest);
  }
  return bytes;
}

function readMoved(state: State, row: BlobRow | undefined): Uint8Array | undefined {
  return row === undefined ? undefined : readWhole(state, row);
}

function readLoose(state: State, row: BlobRow): Buffer | undefined {
  const fd = openSync(loosePath(state, row.digest), plainFile);
  try {
    const stat = fstatSync(fd);
    return stat.isFile() && stat.size === row.size ? readAt(fd, 0, row.size) : undefined;
  } finally {
    closeSync(fd);
  }
}

/** Drops the row of a blob whose file is gone, unless another process has moved the blob or put it again since. */
function lost(state: State, seen: BlobRow): BlobRow | undefined {
  function check(): BlobRow | undefined {
    const row = findRow(state.index, seen.digest);
    if (row === undefined || !isSamePlace(row, seen) || hasFile(state, row)) return row;
    if (!state.index.readOnly) dropRow(state.index, row.digest);
    return undefined;
  }
  return state.index.readOnly ? check() : state.index.write('drop a lost blob', check);
}

function isSamePlace(one: BlobRow, other: BlobRow): boolean {
  return one.pack === other.pack && one.at === other.at;
}

/** Something else than a file where a blob should be is damage; any other failure is the disk's or the system's word. */
function unreadable(state: State, row: BlobRow, error: unknown): unknown {
  if (!isOtherKind(error)) return storeFailure(error, `read the blob ${row.digest}`);
  quarantine(state, row.digest, row);
  return corrupt(row.digest, error);
}

async function* streamPacked(state: State, row: BlobRow): AsyncGenerator<Uint8Array> {
  const bytes = readWhole(state, row);
  if (bytes === undefined) throw new PortkitError('PK2002', `The blob ${row.digest} was collected while it was read`);
  yield bytes;
}

/** Streams a file, hashing as it goes; the last chunk is held back until the whole was right. */
async function* streamLoose(state: State, row: BlobRow, signal: AbortSignal): AsyncGenerator<Uint8Array> {
  const hash = createHash('sha256');
  let total = 0;
  let held: Uint8Array | undefined;
  try {
    // A process that only looks things up should not wait for this to be loaded.
    const { open } = await import('node:fs/promises');
    await using file = await open(loosePath(state, row.digest), plainFile);
    if (!(await file.stat()).isFile()) total = -1;
    while (total >= 0) {
      signal.throwIfAborted();
      const { bytesRead, buffer } = await file.read({ buffer: Buffer.allocUnsafe(chunkSize), position: total });
      if (bytesRead === 0) break;
      if (held !== undefined) yield held;
      held = buffer.subarray(0, bytesRead);
      hash.update(held);
      total += bytesRead;
      if (total > row.size) break;
    }
  } catch (error) {
    throw signal.aborted ? signal.reason : unreadable(state, row, error);
  }
  if (total !== row.size || digestFromHex(hash.digest('hex')) !== row.digest) {
    quarantine(state, row.digest, row);
    throw corrupt(row.digest);
  }
  if (held !== undefined) yield held;
}

/** Whether what is stored behind a row is right, read in chunks so that the event loop goes on; damage is quarantined. */
export async function isSound(state: State, row: BlobRow, signal: AbortSignal): Promise<boolean> {
  try {
    if (row.pack !== undefined) return readWhole(state, row) !== undefined;
    for await (const _ of streamLoose(state, row, signal)) signal.throwIfAborted();
    return true;
  } catch (error) {
    if (error instanceof PortkitError && error.code === 'PK2001') return false;
    if (systemCode(error) === 'ENOENT') return lost(state, row) !== undefined;
    throw error;
  }
}
