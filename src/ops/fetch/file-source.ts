import { constants } from 'node:fs';
import { open } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { PortkitError, systemCode } from '../../base/errors.ts';
import type { Source } from './url.ts';

/** The bytes of a file URL; only regular files are read, and nothing else is waited for. */
export async function* readFileSource({ url, shown }: Source, maxSize: number): AsyncGenerator<Uint8Array> {
  try {
    await using handle = await open(fileURLToPath(url), constants.O_RDONLY | constants.O_NONBLOCK);
    if (!(await handle.stat()).isFile()) throw new PortkitError('PK3203', `${shown} is no regular file`);
    let done = 0;
    for (;;) {
      const { buffer, bytesRead } = await handle.read(Buffer.allocUnsafe(chunkSize), 0, chunkSize, done);
      if (bytesRead === 0) return;
      done += bytesRead;
      if (done > maxSize) throw new PortkitError('PK3204', `${shown} has more than the ${maxSize} bytes that are allowed`);
      yield buffer.subarray(0, bytesRead);
    }
  } catch (error) {
    const code = systemCode(error);
    if (code === undefined || error instanceof PortkitError) throw error;
    throw new PortkitError('PK3203', `${shown} cannot be read: ${code}`, { cause: error });
  }
}

const chunkSize = 1 << 18;
