import { lstatSync } from 'node:fs';
import { open, rename, rm } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { PortkitError, systemCode } from '../base/errors.ts';

/** Writes a file of these bytes, as `writeFileBy` does, and answers how many they were. */
export async function writeWholeFile(path: string, content: AsyncIterable<Uint8Array>): Promise<number> {
  let size = 0;
  await writeFileBy(path, async (handle) => {
    for await (const bytes of gathered(content)) {
      await handle.writeFile(bytes);
      size += bytes.length;
    }
  });
  return size;
}

/**
 * Makes a file that is there as a whole or not at all; one that stands there is replaced. PK3402 where something stands
 * that is no regular file, PK3406 where it cannot be written.
 */
export async function writeFileBy(path: string, fill: (handle: FileHandle) => Promise<void>): Promise<void> {
  const standing = lstatSync(path, { throwIfNoEntry: false });
  if (standing !== undefined && !standing.isFile())
    throw new PortkitError('PK3402', `${path} is there and is no regular file`, { hint: 'Name another place' });
  const part = `${path}.part-${process.pid}`;
  let made = false;
  try {
    await using handle = await open(part, 'wx', 0o666);
    made = true;
    await fill(handle);
    await handle.sync();
    await rename(part, path);
  } catch (error) {
    if (made) await rm(part, { force: true });
    throw unwritten(path, error);
  }
}

const pieceSize = 1 << 20;

/** The same bytes in large pieces: every write is a turn of the event loop, which takes longer than a small file. */
async function* gathered(content: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  const piece = Buffer.allocUnsafe(pieceSize);
  let filled = 0;
  for await (const bytes of content) {
    if (filled + bytes.length > pieceSize) {
      yield piece.subarray(0, filled);
      filled = 0;
    }
    if (bytes.length >= pieceSize) yield bytes;
    else {
      piece.set(bytes, filled);
      filled += bytes.length;
    }
  }
  yield piece.subarray(0, filled);
}

function unwritten(path: string, cause: unknown): unknown {
  const code = systemCode(cause);
  return code === undefined || cause instanceof PortkitError
    ? cause
    : new PortkitError('PK3406', `${path} cannot be made: ${code}`, { cause });
}
