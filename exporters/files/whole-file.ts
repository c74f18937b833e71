import { createHash } from 'node:crypto';
import { closeSync, constants, openSync, renameSync } from 'node:fs';
import { basename, dirname } from 'node:path';
import type { ExportContext, Prepared, Receipt } from '../../src/artifacts/exporter.ts';
import { byteString } from '../../src/base/byte-string.ts';
import { digestFromHex } from '../../src/base/digest.ts';
import type { Digest } from '../../src/base/digest.ts';
import { systemCode } from '../../src/base/errors.ts';
import { digestOfFile, writeContent } from '../../src/artifacts/copies/content.ts';
import { lookInto } from './look-into.ts';
import { fileBehind } from './destination.ts';
import { destinationFailure } from './failure.ts';
import { holdDirectory, inTheWay } from './held.ts';
import type { Held } from './held.ts';
import { makeUnfinished, sweepUnfinished } from './unfinished.ts';

/** The name of the file while it is unfinished. */
const unnamed = 'file';
const fileFlags = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW;

/** A file that an exporter makes. */
export interface WholeFile {
  readonly dest: string;
  bytes(context: ExportContext): AsyncIterable<Uint8Array>;
  /** Asked for after the bytes. */
  receipt(files: Pick<Receipt, 'written' | 'unchanged'>): Receipt;
}

/** Writes the file beside its destination; publishing is one rename, or nothing when these bytes are there already. */
export async function prepareWholeFile(file: WholeFile, context: ExportContext): Promise<Prepared> {
  const path = fileBehind(file.dest);
  const name = byteString(basename(path));
  const open = new DisposableStack();
  try {
    const directory = open.use(holdDirectory(dirname(path)));
    sweepUnfinished(directory);
    const { folder } = open.use(makeUnfinished(directory));
    const written = await writeHashed(folder, file.bytes(context));
    const same =
      (await lookInto(directory, name, async ({ fd, size }) => {
        return size === written.size && (await digestOfFile(fd, context.signal)) === written.digest;
      })) === true;
    return {
      publish(signal) {
        return new Promise((resolve) => {
          signal.throwIfAborted();
          if (!same) publish(folder, directory, { name, dest: file.dest });
          resolve(file.receipt({ written: same ? 0 : 1, unchanged: same ? 1 : 0 }));
        });
      },
      [Symbol.dispose]: () => open.dispose(),
    };
  } catch (error) {
    open.dispose();
    throw error;
  }
}

function publish(folder: Held, directory: Held, { name, dest }: { readonly name: string; readonly dest: string }): void {
  try {
    renameSync(folder.at(unnamed), directory.at(name));
  } catch (error) {
    if (systemCode(error) === 'EISDIR') throw inTheWay(dest, 'is a directory, and a file is to go there', error);
    throw destinationFailure(error, dest);
  }
}

/** Writes the unfinished file. */
async function writeHashed(
  folder: Held,
  bytes: AsyncIterable<Uint8Array>,
): Promise<{ readonly digest: Digest; readonly size: number }> {
  const hash = createHash('sha256');
  let size = 0;
  async function* hashed(): AsyncGenerator<Uint8Array> {
    for await (const chunk of bytes) {
      hash.update(chunk);
      size += chunk.length;
      yield chunk;
    }
  }
  const fd = openSync(folder.at(unnamed), fileFlags, 0o644);
  try {
    await writeContent(fd, hashed());
  } finally {
    closeSync(fd);
  }
  return { digest: digestFromHex(hash.digest('hex')), size };
}
