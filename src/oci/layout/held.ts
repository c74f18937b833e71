import { closeSync, constants, fchmodSync, fstatSync, lstatSync, openSync, readdirSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { onFile } from '../../artifacts/copies/failure.ts';
import { PortkitError, systemCode } from '../../base/errors.ts';
import type { OciDigest } from '../model/digest.ts';
import { isOciDigest } from '../model/digest.ts';
import { blobPath } from './files.ts';
import type { WritableFiles } from './files.ts';

/** A file that is called as blobs are. */
export interface HeldBlob {
  readonly digest: OciDigest;
  readonly size: number;
}

/** A blob of a folder. */
export interface FolderBlob extends HeldBlob {
  /** When it was written or needed last, in milliseconds since 1970: the time of its last change of any kind. */
  readonly usedAt: number;
}

/** The blobs of a layout folder. What is called otherwise is passed over; links are not followed (PK4002 for a folder). */
export function heldBlobs(directory: string): Promise<readonly FolderBlob[]> {
  return onFile('list', join(directory, 'blobs'), () => {
    if (!isFolder(directory, 'blobs')) return [];
    return ['sha256', 'sha512'].flatMap((algorithm) => {
      const path = `blobs/${algorithm}`;
      if (!isFolder(directory, path)) return [];
      return readdirSync(join(directory, path)).flatMap((name) => heldBlob(directory, `${algorithm}:${name}`) ?? []);
    });
  });
}

/** One of them; undefined when it is not called as blobs are, not there, or not a file. */
function heldBlob(directory: string, name: string): FolderBlob | undefined {
  if (!isOciDigest(name)) return undefined;
  const stat = lstatSync(join(directory, blobPath(name)), { throwIfNoEntry: false });
  return stat?.isFile() === true ? { digest: name, size: stat.size, usedAt: stat.ctimeMs } : undefined;
}

/** Takes a blob away, if this is still so of it as it is now. */
export function removeBlob(directory: string, digest: OciDigest, isStill: (blob: FolderBlob) => boolean): Promise<boolean> {
  const path = join(directory, blobPath(digest));
  return onFile('remove', path, () => {
    if (!isFolder(directory, 'blobs') || !isFolder(directory, dirname(blobPath(digest)))) return false;
    const blob = heldBlob(directory, digest);
    if (blob === undefined || !isStill(blob)) return false;
    // Nothing waits between the look and this, so that hardly anybody can come to need it meanwhile.
    rmSync(path);
    return true;
  });
}

/**
 * The files of a folder for somebody who writes: a blob that is found to be there is marked as needed, so that it is not
 * collected before something leads to it. It is looked for again afterwards: only now it stays.
 */
export function markedAsNeeded(directory: string, files: WritableFiles): WritableFiles {
  return {
    ...files,
    async size(path, signal) {
      const size = await files.size(path, signal);
      if (size === undefined || !path.startsWith('blobs/')) return size;
      return markAsNeeded(join(directory, path)) ? files.size(path, signal) : size;
    },
  };
}

/** Changing its mode to what it is gives a file the time of the file system, which no clock of ours has to know. */
function markAsNeeded(path: string): boolean {
  try {
    const fd = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
    try {
      fchmodSync(fd, fstatSync(fd).mode & 0o7777);
    } finally {
      closeSync(fd);
    }
    return true;
  } catch (error) {
    // Not there any more, or another user's: who collects then does not know that it is needed.
    if (systemCode(error) === undefined) throw error;
    return systemCode(error) === 'ENOENT';
  }
}

function isFolder(directory: string, path: string): boolean {
  const stat = lstatSync(join(directory, path), { throwIfNoEntry: false });
  if (stat === undefined || stat.isDirectory()) return stat !== undefined;
  throw new PortkitError('PK4002', `${path} of ${directory} is no folder of its own`);
}
