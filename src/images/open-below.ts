import type { BigIntStats } from 'node:fs';
import type { ByteString } from '../base/byte-string.ts';
import { changed } from '../store/host/host-directory.ts';
import type { HostDirectory } from '../store/host/host-directory.ts';

/** What tells a file from any other, and from what it was before. */
export interface Seen {
  readonly dev: bigint;
  readonly ino: bigint;
  readonly size: number;
  readonly ctimeNs: bigint;
}

/** Opens files by path. */
export type Opener = Disposable & { open(path: string): ReturnType<HostDirectory['openFile']> };

/** Opens files by path without following a link; the directory of the last one stays open for its neighbours. */
export function openerBelow(root: HostDirectory): Opener {
  let held: { readonly path: string; readonly directory: HostDirectory } = { path: '', directory: root };
  function leave(): void {
    if (held.directory !== root) held.directory[Symbol.dispose]();
    held = { path: '', directory: root };
  }
  function enter(path: string): HostDirectory {
    if (held.path === path) return held.directory;
    leave();
    let directory = root;
    for (const name of path.split('/')) {
      const above = directory;
      try {
        // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- a part of a byte string
        directory = above.enter(name as ByteString);
      } finally {
        if (above !== root) above[Symbol.dispose]();
      }
    }
    held = { path, directory };
    return directory;
  }
  return {
    open(path) {
      const slash = path.lastIndexOf('/');
      const directory = slash < 0 ? root : enter(path.slice(0, slash));
      // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- a part of a byte string
      return directory.openFile(path.slice(slash + 1) as ByteString);
    },
    [Symbol.dispose]: leave,
  };
}

/** All bytes of a file that was seen, in the room if they fit; PK2101 when it is another one now. */
export function readSeen(opener: Opener, { path, seen }: { readonly path: string; readonly seen: Seen }, room: Buffer): Buffer {
  using file = opener.open(path);
  try {
    return file.read(seen.size, room);
  } finally {
    // Once is enough: what was another file before is another one now, and what was read of it goes nowhere.
    checkSame(file.stat(), seen, path);
  }
}

/** Any write or change of attributes moves the change time, which no program can set. PK2101 when it moved. */
export function checkSame(now: BigIntStats, seen: Seen, path: string): void {
  const same = now.dev === seen.dev && now.ino === seen.ino && Number(now.size) === seen.size && now.ctimeNs === seen.ctimeNs;
  if (!same) throw changed(path);
}
