import { createHash } from 'node:crypto';
import { constants, rmSync } from 'node:fs';
import { copyFile, open } from 'node:fs/promises';
import { digestFromHex } from '../../base/digest.ts';
import type { Digest } from '../../base/digest.ts';
import type { Store } from '../store.ts';

/** Makes a new file that shares the blocks of another one until one of them is written to; throws where that cannot be. */
export type CloneFile = (from: string, to: string | Buffer) => Promise<void>;

/** The kernel's way, which works within one file system, on those that can share blocks (Btrfs, XFS). */
const cloneFile: CloneFile = (from, to) => copyFile(from, to, constants.COPYFILE_EXCL | constants.COPYFILE_FICLONE_FORCE);

const chunkSize = 1 << 18;

/** A file to be made of a stored blob. */
interface Wanted {
  readonly content: Digest;
  readonly mode: number;
}

/**
 * Makes files of stored blobs by cloning. It answers false, with nothing left at the path, when a blob has to be copied:
 * it has no file of its own, or the clone is not what it should be (reading the blob then tells why), or cloning has failed
 * once, which is remembered for all that follow.
 */
export function createCloner(blobs: Store['blobs'], clone: CloneFile = cloneFile) {
  let works = true;
  return async ({ content, mode }: Wanted, path: string | Buffer, signal: AbortSignal): Promise<boolean> => {
    const from = works ? blobs.fileOf(content) : undefined;
    if (from === undefined) return false;
    try {
      await clone(from, path);
    } catch {
      works = false;
      return false;
    }
    await using file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW);
    const hash = createHash('sha256');
    const buffer = Buffer.allocUnsafe(chunkSize);
    for (;;) {
      signal.throwIfAborted();
      const { bytesRead } = await file.read(buffer, 0, chunkSize);
      if (bytesRead === 0) break;
      hash.update(buffer.subarray(0, bytesRead));
    }
    if (digestFromHex(hash.digest('hex')) === content) {
      await file.chmod(mode);
      return true;
    }
    rmSync(path);
    return false;
  };
}
