import { randomBytes } from 'node:crypto';
import { createReadStream, lstatSync, readdirSync, rmSync } from 'node:fs';
import type { Stats } from 'node:fs';
import { open, rename, rm } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { PortkitError, systemCode } from '../base/errors.ts';
import { systemReason } from '../base/system-reason.ts';
import { writeAt } from '../ops/scratch-file.ts';

/** After so many bytes the event loop gets a turn, so that a signal can arrive. */
const bytesOfTurn = 2 ** 22;

/**
 * Writes a file of these bytes, as `writeFileBy` does, and answers how many they were. Each chunk is written at once, before
 * the next is asked for: going to another thread and back takes longer than that.
 */
export async function writeWholeFile(path: string, content: AsyncIterable<Uint8Array>): Promise<number> {
  let size = 0;
  await writeFileBy(path, async ({ fd }) => {
    let turn = bytesOfTurn;
    for await (const bytes of content) {
      writeAt(fd, bytes, size);
      size += bytes.length;
      if (size < turn) continue;
      turn = size + bytesOfTurn;
      await nextTurn();
    }
  });
  return size;
}

/** Moves a file to its place, as a whole; by copying it where that is another mount. PK3402 and PK3406 as `writeFileBy`. */
export async function takeWholeFile(path: string, from: string): Promise<void> {
  standingAt(path);
  try {
    await rename(from, path);
  } catch (error) {
    if (systemCode(error) !== 'EXDEV') throw unwritten(path, error);
    await writeWholeFile(path, createReadStream(from, { highWaterMark: 1 << 20 }));
  }
}

/**
 * Makes a file that is there as a whole or not at all, however the process ends; one that stands there is replaced. A power
 * cut does not take the file that stood there, either: only what replaces something is waited for until it is on the disk,
 * as a new file can be made again. PK3402 where something stands that is no regular file, PK2007 where there is no space, PK3406
 * where it cannot be written.
 */
export async function writeFileBy(path: string, fill: (handle: FileHandle) => Promise<void>): Promise<void> {
  const standing = standingAt(path);
  // In a container every run may have the same process number, and a killed one leaves its file.
  const part = `${path}.part-${randomBytes(6).toString('hex')}`;
  let made = false;
  try {
    await using handle = await open(part, 'wx', 0o666);
    made = true;
    sweep(path, (await handle.stat()).mtimeMs);
    await fill(handle);
    if (standing !== undefined) await handle.sync();
    await rename(part, path);
  } catch (error) {
    if (made) await rm(part, { force: true });
    throw unwritten(path, error);
  }
}

/** What is older than this was left by a run that is no more (milliseconds). */
const oldest = 86_400_000;

/** Removes what killed runs left beside a file, by the clock of the file system; what cannot be removed is in nobody's way. */
function sweep(path: string, now: number): void {
  const prefix = `${basename(path)}.part-`;
  try {
    for (const name of readdirSync(dirname(path))) {
      if (!name.startsWith(prefix) || !/^[0-9a-f]{12}$/.test(name.slice(prefix.length))) continue;
      const left = join(dirname(path), name);
      const stat = lstatSync(left, { throwIfNoEntry: false });
      if (stat?.isFile() === true && now - stat.mtimeMs > oldest) rmSync(left, { force: true });
    }
  } catch (error) {
    if (systemCode(error) === undefined) throw error;
  }
}

/** The file that will be replaced. */
function standingAt(path: string): Stats | undefined {
  try {
    const standing = lstatSync(path, { throwIfNoEntry: false });
    if (standing === undefined || standing.isFile()) return standing;
  } catch (error) {
    throw unwritten(path, error);
  }
  throw new PortkitError('PK3402', `${path} is there and is no regular file`, { hint: 'Name another place' });
}

function unwritten(path: string, cause: unknown): unknown {
  const code = systemCode(cause);
  if (code === undefined || cause instanceof PortkitError) return cause;
  const isFull = code === 'ENOSPC' || code === 'EDQUOT';
  return new PortkitError(isFull ? 'PK2007' : 'PK3406', `${path} cannot be made: ${systemReason(cause)}`, {
    cause,
    ...(isFull && { hint: 'Free space there' }),
  });
}
