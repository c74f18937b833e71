import { createHash } from 'node:crypto';
import type { Hash } from 'node:crypto';
import { closeSync, constants, fchmodSync, fstatSync, openSync, readSync, unlinkSync } from 'node:fs';
import { setImmediate } from 'node:timers/promises';
import { digestFromHex } from '../../base/digest.ts';
import type { BlobInfo } from '../blobs.ts';
import { discard, syncDirectory, syncFile, syncFileData, writeFully } from './durable.ts';
import { coded, storeFailure } from './failure.ts';
import { loosePath, putInPlace } from './quarantine.ts';
import { isSound } from './read.ts';
import { claimRow, findRow, putRow } from './rows.ts';
import type { State } from './state.ts';

const chunkSize = 1 << 18;
/** Bytes after which the kernel is asked to start writing back, so that the final sync finds little left to do. */
const writeBackEvery = 64 << 20;

interface Finished extends BlobInfo {
  readonly temporary: string;
}

interface Waiting extends Finished {
  readonly done: PromiseWithResolvers<void>;
}

/** Writes blobs into files of their own; puts that are ready at the same time share one commit. */
export function createWriter(state: State) {
  const publish = createPublisher(state);
  async function take(fill: (file: Filling) => Promise<void>, signal: AbortSignal): Promise<BlobInfo> {
    const temporary = coded('start a session', () => state.session().temporary());
    try {
      const blob = await fillFile(temporary, fill);
      signal.throwIfAborted();
      const kept = await keepExisting(state, blob, signal);
      if (kept) unlinkSync(temporary);
      else await publish({ ...blob, temporary });
      return blob;
    } catch (error) {
      discard(temporary);
      throw signal.aborted ? signal.reason : storeFailure(error, 'write a blob');
    }
  }
  return {
    write(content: AsyncIterable<Uint8Array>, signal: AbortSignal): Promise<BlobInfo> {
      return take(async (file) => {
        for await (const chunk of content) {
          signal.throwIfAborted();
          file.write(chunk);
        }
      }, signal);
    },
    writeFile(path: string, signal: AbortSignal): Promise<BlobInfo> {
      return take((file) => copyInto(file, path, signal), signal);
    },
  };
}

interface Filling {
  write(chunk: Uint8Array): void;
}

/** Fills, hashes and syncs one unfinished file. */
async function fillFile(temporary: string, fill: (file: Filling) => Promise<void>): Promise<BlobInfo> {
  const fd = openSync(temporary, 'wx', 0o600);
  const background: { sync?: Promise<void> } = {};
  try {
    const hash: Hash = createHash('sha256');
    let size = 0;
    let written = 0;
    await fill({
      write(chunk) {
        hash.update(chunk);
        writeFully(fd, chunk);
        size += chunk.length;
        written += chunk.length;
        if (written < writeBackEvery || background.sync !== undefined) return;
        written = 0;
        background.sync = syncFileData(fd).finally(() => delete background.sync);
        background.sync.catch(() => undefined);
      },
    });
    await background.sync;
    fchmodSync(fd, 0o444);
    await syncFile(fd);
    return { digest: digestFromHex(hash.digest('hex')), size };
  } finally {
    await background.sync?.catch(() => undefined);
    closeSync(fd);
  }
}

async function copyInto(file: Filling, path: string, signal: AbortSignal): Promise<void> {
  const fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  try {
    if (!fstatSync(fd).isFile()) throw new Error(`${path} is not a regular file`);
    const buffer = Buffer.allocUnsafe(chunkSize);
    for (let chunks = 1; ; chunks += 1) {
      const read = readSync(fd, buffer, 0, chunkSize, null);
      if (read === 0) return;
      file.write(buffer.subarray(0, read));
      if (chunks % 16 === 0) {
        await setImmediate();
        signal.throwIfAborted();
      }
    }
  } finally {
    closeSync(fd);
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
