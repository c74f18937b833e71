import { closeSync, constants, openSync } from 'node:fs';
import { fromBytes, nodePath, showBytes } from '../../src/base/byte-string.ts';
import type { ByteString } from '../../src/base/byte-string.ts';
import { PortkitError, systemCode } from '../../src/base/errors.ts';
import { splitPath } from '../../src/store/trees/path.ts';

/**
 * A directory held by descriptor. Names are resolved through `/proc/self/fd/N`, so somebody who swaps a directory for a
 * symbolic link meanwhile changes nothing: the kernel starts at what was opened.
 */
export interface Held extends Disposable {
  readonly fd: number;
  /** The path for messages. */
  readonly shown: string;
  /** The path of a name in it, for one call. */
  at(name: string): string | Buffer;
}

const flags = constants.O_RDONLY | constants.O_DIRECTORY;

/** Opens a directory; its own path may hold symbolic links. */
export function holdDirectory(path: string): Held {
  return held(openSync(path, flags), path);
}

/** Opens a subdirectory; undefined when nothing is there, refused (PK3404) when it is something else. */
export function enter(directory: Held, name: ByteString): Held | undefined {
  const shown = `${directory.shown}/${showBytes(name)}`;
  try {
    return held(openSync(directory.at(name), flags | constants.O_NOFOLLOW), shown);
  } catch (error) {
    const code = systemCode(error) ?? '';
    if (code === 'ENOENT') return undefined;
    if (code === 'ELOOP' || code === 'ENOTDIR') throw inTheWay(shown, 'is no directory, and one has to be there', error);
    throw error;
  }
}

function held(fd: number, shown: string): Held {
  return {
    fd,
    shown,
    at: (name) => nodePath(fromBytes(Buffer.from(`/proc/self/fd/${fd}/${name}`, 'latin1'))),
    [Symbol.dispose]: () => closeSync(fd),
  };
}

/** Directories below a root, opened one name at a time and kept open while paths come in order. */
export interface Trail extends Disposable {
  /** The directory of a path, or undefined when it is not there. Valid until the next question. */
  directory(path: readonly ByteString[]): Held | undefined;
}

/** Begins at a directory, which stays open. */
export function trailFrom(root: Held): Trail {
  const open: { readonly name: ByteString; readonly directory: Held }[] = [];
  const leave = (depth: number): void => {
    for (const { directory } of open.splice(depth).toReversed()) directory[Symbol.dispose]();
  };
  return {
    directory(path) {
      let shared = 0;
      while (shared < open.length && open[shared]?.name === path[shared]) shared += 1;
      leave(shared);
      for (const name of path.slice(shared)) {
        const directory = enter(open.at(-1)?.directory ?? root, name);
        if (directory === undefined) return undefined;
        open.push({ name, directory });
      }
      return open.at(-1)?.directory ?? root;
    },
    [Symbol.dispose]: () => leave(0),
  };
}

/** A path as the names above it and its own. */
export function parted(path: ByteString): { readonly above: readonly ByteString[]; readonly name: ByteString } {
  const names = splitPath(path);
  const name = names.at(-1);
  if (name === undefined) throw new Error('The root of an output has no name');
  return { above: names.slice(0, -1), name };
}

/** The refusal to replace or follow what is at a path of the destination. */
export function inTheWay(shown: string, what: string, cause?: unknown): PortkitError {
  return new PortkitError('PK3404', `${shown} ${what}`, {
    hint: 'Remove it, or name another destination: links there are not followed, and directories not replaced',
    cause,
  });
}
