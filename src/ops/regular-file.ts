import { constants } from 'node:fs';
import { open } from 'node:fs/promises';
import { PortkitError, systemCode } from '../base/errors.ts';
import { systemReason } from '../base/system-reason.ts';

/** How a file of this machine is read. */
export interface FileRules {
  /** What errors name. */
  readonly shown: string;
  readonly maxSize: number;
}

const chunkSize = 1 << 18;

/** The bytes of a regular file (PK3203, PK3204); a pipe or device is refused, and never waited for. */
export async function* readRegularFile(path: string, { shown, maxSize }: FileRules): AsyncGenerator<Uint8Array> {
  try {
    await using handle = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
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
    throw new PortkitError('PK3203', `${shown} cannot be read: ${systemReason(error)}`, { cause: error });
  }
}
