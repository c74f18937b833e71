import { closeSync, constants, fstatSync, openSync } from 'node:fs';
import { systemCode } from '../../src/base/errors.ts';
import type { Held } from './held.ts';

/** A regular file that is there, as far as it can be told without reading it. */
interface FileFacts {
  readonly fd: number;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly size: number;
  readonly inode: string;
}

/** Looks into a regular file; undefined when it is not there, is something else or may not be read. Links are not followed. */
export async function lookInto<T>(directory: Held, name: string, look: (file: FileFacts) => Promise<T>): Promise<T | undefined> {
  let fd: number;
  try {
    fd = openSync(directory.at(name), constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  } catch (error) {
    if (['ENOENT', 'ELOOP', 'EACCES', 'ENXIO', 'EPERM'].includes(systemCode(error) ?? '')) return undefined;
    throw error;
  }
  try {
    const stat = fstatSync(fd);
    if (!stat.isFile()) return undefined;
    const { uid, gid, size } = stat;
    return await look({ fd, mode: stat.mode & 0o7777, uid, gid, size, inode: `${stat.dev}:${stat.ino}` });
  } finally {
    closeSync(fd);
  }
}
