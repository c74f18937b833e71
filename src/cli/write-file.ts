import { lstatSync } from 'node:fs';
import { open, rename, rm } from 'node:fs/promises';
import { PortkitError, systemCode } from '../base/errors.ts';

/**
 * Writes a file that is there as a whole or not at all; one that stands there is replaced. PK3402 where something stands
 * that is no regular file, PK3406 where it cannot be written.
 */
export async function writeWholeFile(path: string, content: AsyncIterable<Uint8Array>): Promise<number> {
  const standing = lstatSync(path, { throwIfNoEntry: false });
  if (standing !== undefined && !standing.isFile())
    throw new PortkitError('PK3402', `${path} is there and is no regular file`, { hint: 'Name another place' });
  const part = `${path}.part-${process.pid}`;
  let size = 0;
  try {
    await using handle = await open(part, 'wx', 0o666).catch((error: unknown) => Promise.reject(unwritten(path, error)));
    for await (const bytes of content) {
      await handle.writeFile(bytes).catch((error: unknown) => Promise.reject(unwritten(path, error)));
      size += bytes.length;
    }
    await handle.sync();
    await rename(part, path);
    return size;
  } catch (error) {
    await rm(part, { force: true });
    throw error;
  }
}

function unwritten(path: string, cause: unknown): unknown {
  const code = systemCode(cause);
  return code === undefined ? cause : new PortkitError('PK3406', `${path} cannot be written: ${code}`, { cause });
}
