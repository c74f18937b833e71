import { closeSync, constants, fstatSync, lstatSync, openSync, readdirSync, readlinkSync, readSync } from 'node:fs';
import type { BigIntStats } from 'node:fs';
import { fromBytes, nodePath, showBytes } from '../../base/byte-string.ts';
import type { ByteString } from '../../base/byte-string.ts';
import { PortkitError, systemCode } from '../../base/errors.ts';

/**
 * A host directory held by descriptor. Names are resolved through `/proc/self/fd/N/name`, so somebody who swaps a
 * directory for a symlink meanwhile changes nothing: the kernel starts at the directory that was opened.
 */
export interface HostDirectory extends Disposable {
  /** The path for messages. */
  readonly shown: string;
  /** A path that leads to this very directory from anywhere in this process. */
  readonly byDescriptor: string;
  names(): readonly ByteString[];
  stat(name: ByteString): BigIntStats | undefined;
  own(): BigIntStats;
  readlink(name: ByteString): ByteString;
  enter(name: ByteString): HostDirectory;
  /** Opens a file for reading; a FIFO that took its place cannot block. Only `stat` of what it gives tells whether it is one. */
  openFile(name: ByteString): HostFile;
}

/** An open file. */
interface HostFile extends Disposable {
  readonly fd: number;
  /** What it is now; throws (PK2101) if it is no regular file. */
  stat(): BigIntStats;
  /** All bytes from the start, at most `limit`; in `room`, if that is given and large enough. */
  read(limit: number, room?: Buffer): Buffer;
}

const directoryFlags = constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW;
const fileFlags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;

/** Opens a directory of the host; its own path may hold symlinks, what is below is never followed. */
export function openHostDirectory(path: string): HostDirectory {
  return holdDirectory(
    openOr(() => path, `${path}/.`, directoryFlags),
    path,
  );
}

function holdDirectory(fd: number, shown: string): HostDirectory {
  const own = `/proc/self/fd/${fd}`;
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- ASCII in front of a byte string
  const at = (name: ByteString): string | Buffer => nodePath(`${own}/${name}` as ByteString);
  const show = (name: ByteString): string => `${shown}/${showBytes(name)}`;
  return {
    shown,
    byDescriptor: own,
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- one character for each byte, as asked
    names: () => readdirSync(own, 'latin1') as ByteString[],
    stat(name) {
      try {
        return lstatSync(at(name), { bigint: true });
      } catch (error) {
        if (systemCode(error) === 'ENOENT') return undefined;
        throw error;
      }
    },
    own: () => fstatSync(fd, { bigint: true }),
    readlink(name) {
      try {
        return fromBytes(readlinkSync(at(name), 'buffer'));
      } catch (error) {
        if (['EINVAL', 'ENOENT'].includes(systemCode(error) ?? '')) throw changed(show(name), error);
        throw error;
      }
    },
    enter: (name) =>
      holdDirectory(
        openOr(() => show(name), at(name), directoryFlags),
        show(name),
      ),
    openFile(name) {
      const shown = (): string => show(name);
      return holdFile(openOr(shown, at(name), fileFlags), shown);
    },
    [Symbol.dispose]: () => closeSync(fd),
  };
}

function holdFile(fd: number, shown: () => string): HostFile {
  return {
    fd,
    stat() {
      const stat = fstatSync(fd, { bigint: true });
      if (!stat.isFile()) throw changed(shown());
      return stat;
    },
    read(limit, room) {
      const bytes = room !== undefined && room.length >= limit ? room : Buffer.allocUnsafe(limit);
      let done = 0;
      while (done < limit) {
        const read = readSync(fd, bytes, done, limit - done, done);
        if (read === 0) break;
        done += read;
      }
      return bytes.subarray(0, done);
    },
    [Symbol.dispose]: () => closeSync(fd),
  };
}

/** Opens, telling a swap by somebody else (a link, another type, gone) from a refusal by the system. */
function openOr(shown: () => string, path: string | Buffer, flags: number): number {
  try {
    return openSync(path, flags);
  } catch (error) {
    if (['ELOOP', 'ENOTDIR', 'ENOENT', 'ENXIO'].includes(systemCode(error) ?? '')) throw changed(shown(), error);
    throw new PortkitError('PK2102', `Cannot open ${shown()}`, { hint: 'Check that it exists and may be read', cause: error });
  }
}

/** What a snapshot says of a path that will not hold still. */
export function changed(shown: string, cause?: unknown): PortkitError {
  return new PortkitError('PK2101', `${shown} changed while it was read`, {
    hint: 'End what writes to it, or exclude it',
    cause,
  });
}

/** Linux's encoding of a device number: 12 bits of major, 20 of minor, interleaved (sys/sysmacros.h). */
export function deviceOf(rdev: bigint): { major: number; minor: number } {
  const major = ((rdev >> 8n) & 0xfffn) | ((rdev >> 32n) & 0xfffff000n);
  const minor = (rdev & 0xffn) | ((rdev >> 12n) & 0xffffff00n);
  return { major: Number(major), minor: Number(minor) };
}
