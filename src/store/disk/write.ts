import { chmodSync, closeSync, constants, fchmodSync, fstatSync, openSync, readSync, renameSync, unlinkSync } from 'node:fs';
import { setImmediate } from 'node:timers/promises';
import { systemCode } from '../../base/errors.ts';
import type { BlobInfo, WholeFile } from '../blobs.ts';
import { discard, syncDirectory } from './durable.ts';
import { coded, storeFailure } from './failure.ts';
import { growFile } from './growing-file.ts';
import { loosePath, putInPlace } from './quarantine.ts';
import { isSound } from './read.ts';
import { claimRow, findRow, putRow } from './rows.ts';
import type { State } from './state.ts';

const chunkSize = 1 << 18;

interface Finished extends BlobInfo {
  readonly temporary: string;
}

interface Waiting extends Finished {
  readonly done: PromiseWithResolvers<void>;
}

/** Writes blobs into files of their own; puts that are ready at the same time share one commit. */
export function createWriter(state: State) {
  const publish = createPublisher(state);
  async function take(content: Omit<Filling, 'path'>, signal: AbortSignal): Promise<BlobInfo> {
    const temporary = coded('start a session', () => state.session().temporary());
    try {
      const blob = await fillFile({ ...content, path: temporary }, signal);
      signal.throwIfAborted();
      await settle({ ...blob, temporary }, signal);
      return blob;
    } catch (error) {
      discard(temporary);
      throw signal.aborted ? signal.reason : storeFailure(error, 'write a blob');
    }
  }
  /** A finished file becomes the blob, unless that is here. */
  async function settle(blob: Finished, signal: AbortSignal): Promise<void> {
    if (await keepExisting(state, blob, signal)) unlinkSync(blob.temporary);
    else await publish(blob);
  }
  async function writeFile(path: string, signal: AbortSignal): Promise<BlobInfo> {
    const fd = coded(`read ${path}`, () => openSync(path, constants.O_RDONLY | constants.O_NONBLOCK));
    try {
      const stat = fstatSync(fd);
      if (!stat.isFile()) throw new Error(`${path} is not a regular file`);
      return await take({ expected: stat.size, fill: (write) => readAll(fd, write, signal) }, signal);
    } finally {
      closeSync(fd);
    }
  }
  return {
    write(content: AsyncIterable<Uint8Array>, signal: AbortSignal): Promise<BlobInfo> {
      async function fill(write: (chunk: Uint8Array) => void): Promise<void> {
        for await (const chunk of content) {
          signal.throwIfAborted();
          write(chunk);
        }
      }
      return take({ expected: 0, fill }, signal);
    },
    async adopt({ path, ...blob }: WholeFile, signal: AbortSignal): Promise<void> {
      signal.throwIfAborted();
      const temporary = coded('start a session', () => state.session().temporary());
      if (!coded('take a blob', () => movedHere(path, temporary))) {
        await writeFile(path, signal);
        return coded('take a blob', () => unlinkSync(path));
      }
      try {
        await settle({ ...blob, temporary }, signal);
      } catch (error) {
        discard(temporary);
        throw signal.aborted ? signal.reason : storeFailure(error, 'take a blob');
      }
    },
    writeFile,
  };
}

/** Moves a file into a session; false where it is on another mount. */
function movedHere(path: string, temporary: string): boolean {
  try {
    renameSync(path, temporary);
    chmodSync(temporary, 0o444);
    return true;
  } catch (error) {
    if (systemCode(error) === 'EXDEV') return false;
    throw error;
  }
}

interface Filling {
  readonly path: string;
  /** Bytes that are expected; 0 when nobody knows. */
  readonly expected: number;
  readonly fill: (write: (chunk: Uint8Array) => void) => Promise<void>;
}

/** Fills, hashes and syncs one unfinished file; the last sync goes on while a long content is hashed to its end. */
async function fillFile({ path, expected, fill }: Filling, signal: AbortSignal): Promise<BlobInfo> {
  const fd = openSync(path, 'wx+', 0o600);
  try {
    await using file = await growFile(fd, { expected, signal });
    await fill((chunk) => file.append(chunk));
    fchmodSync(fd, 0o444);
    return await file.finish();
  } finally {
    closeSync(fd);
  }
}

/** Reads an open file to its end, letting the event loop go on now and then. */
async function readAll(fd: number, write: (chunk: Uint8Array) => void, signal: AbortSignal): Promise<void> {
  const buffer = Buffer.allocUnsafe(chunkSize);
  for (let chunks = 1; ; chunks += 1) {
    const read = readSync(fd, buffer, 0, chunkSize, null);
    if (read === 0) return;
    write(buffer.subarray(0, read));
    if (chunks % 16 !== 0) continue;
    await setImmediate();
    signal.throwIfAborted();
  }
}

/** Whether the same blob is here and sound: it is then claimed; a damaged one has been moved out of the way. */
async function keepExisting(state: State, blob: BlobInfo, signal: AbortSignal): Promise<boolean> {
  const row = findRow(state.index, blob.digest);
  if (row === undefined || !(await isSound(state, row, signal))) return false;
  return state.index.write(`claim ${blob.digest}`, () => claimRow(state.index, blob.digest, state.host.now()));
}

/**
 * The group commit: everything that is ready is renamed into place, one directory sync and one index transaction make it
 * durable, and only then is each put acknowledged. The write lock is held across the renames, so that no collection can
 * take a file between its name and its row.
 */
function createPublisher(state: State): (blob: Finished) => Promise<void> {
  let waiting: Waiting[] = [];
  function flush(): void {
    const group = waiting;
    waiting = [];
    try {
      state.index.write('publish blobs', () => publishAll(state, group));
      for (const blob of group) blob.done.resolve();
    } catch (error) {
      for (const blob of group) blob.done.reject(error);
    }
  }
  return (blob) => {
    const done = Promise.withResolvers<void>();
    if (waiting.length === 0) void setImmediate().then(flush);
    waiting.push({ ...blob, done });
    return done.promise;
  };
}

function publishAll(state: State, group: readonly Waiting[]): void {
  for (const { temporary, digest } of group) putInPlace(state, temporary, loosePath(state, digest));
  syncDirectory(state.layout.blobs);
  const used = state.host.now();
  for (const { digest, size } of group) putRow(state.index, { digest, size, pack: undefined, at: 0, used });
}
