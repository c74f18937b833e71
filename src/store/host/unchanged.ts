import { lstatSync } from 'node:fs';
import { toBytes } from '../../base/byte-string.ts';
import type { ByteString } from '../../base/byte-string.ts';
import { isSeen } from './stat-cache.ts';
import type { Remembered } from './stat-cache.ts';

/**
 * Whether every path is the inode it was, untouched: then the tree is what it was. A directory whose times stand still
 * has the names it had, so nothing is listed. Plain paths are safe here: whoever swaps a directory meanwhile leads the
 * look to other inodes, and they are not the remembered ones.
 */
export function isUnchanged(directory: string, { paths, seen }: Remembered): boolean {
  const quiet = { throwIfNoEntry: false } as const;
  try {
    for (let index = 0; index < paths.length; index += 1) {
      const path = `${directory}/${paths[index]}`;
      const stat = lstatSync(isAscii(paths[index] ?? '') ? path : bytesPath(directory, paths[index] ?? ''), quiet);
      if (stat === undefined || !isSeen(seen, index, stat)) return false;
    }
    return true;
  } catch {
    return false;
  }
}

function isAscii(text: string): boolean {
  for (let index = 0; index < text.length; index += 1) if (text.charCodeAt(index) > 0x7f) return false;
  return true;
}

function bytesPath(directory: string, path: string): Buffer {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- a path from the cache file is latin1 by construction
  return Buffer.concat([Buffer.from(`${directory}/`), toBytes(path as ByteString)]);
}
