import { mkdirSync, renameSync } from 'node:fs';
import { basename } from 'node:path';
import type { Inode } from '../../src/artifacts/listed.ts';
import { byteString, toBytes } from '../../src/base/byte-string.ts';
import type { ByteString } from '../../src/base/byte-string.ts';
import { systemCode } from '../../src/base/errors.ts';
import { enter, inTheWay } from '../files/held.ts';
import type { Held } from '../files/held.ts';
import { layout } from '../files/layout.ts';
import type { Placed } from '../files/layout.ts';
import { makeUnfinished } from '../files/unfinished.ts';
import type { LocalExport, LocalPrepared } from './export.ts';
import { startNotes } from './notes.ts';
import { dressDirectory, isClosed, stageFile, stageLink, stageSymlink } from './stage.ts';

interface Made {
  /** Directories that get their own mode at the very end. */
  readonly closed: Placed[];
  root: Inode;
  written: number;
}

/** A directory for results that say nothing about it. */
const plainDirectory: Inode = { type: 'dir', mode: 0o755, uid: 0, gid: 0, mtime: { seconds: 0, nanos: 0 }, xattrs: [] };

/** Writes everything to a private folder beside the destination; publishing is one rename. */
export async function createDirectory(one: LocalExport, parent: Held, open: DisposableStack): Promise<LocalPrepared> {
  const unfinished = open.use(makeUnfinished(parent));
  const notes = startNotes(one);
  const made: Made = { closed: [], root: plainDirectory, written: 0 };
  for await (const placed of layout(one.targets, one.src, one.context)) {
    notes.add(placed);
    await write(one, unfinished.folder, { placed, made });
  }
  const { keepOwner } = one;
  return {
    publish(signal) {
      signal.throwIfAborted();
      dressDirectory(unfinished.folder, made.root, { keepOwner, filling: true });
      if (!rename(parent, unfinished.name, byteString(basename(one.dest)))) return 'taken';
      for (const { path, item } of made.closed.toReversed()) {
        using directory = path === '' ? undefined : enter(unfinished.folder, path);
        dressDirectory(directory ?? unfinished.folder, item, { keepOwner, filling: false });
      }
      return notes.receipt({ written: made.written, unchanged: 0 });
    },
  };
}

async function write(one: LocalExport, folder: Held, { placed, made }: { placed: Placed; made: Made }): Promise<void> {
  const { path, item, linkedTo } = placed;
  switch (item.type) {
    case 'dir':
      if (isClosed(item)) made.closed.push(placed);
      if (path === '') made.root = item;
      else makeDirectory(folder, path, { item, keepOwner: one.keepOwner });
      return;
    case 'file':
      made.written += 1;
      if (linkedTo !== undefined) stageLink(folder, linkedTo, path);
      else await stageFile({ folder, as: path }, item, one);
      return;
    case 'symlink':
      made.written += 1;
      stageSymlink(folder, path, { item, keepOwner: one.keepOwner });
      return;
    case 'char':
    case 'block':
    case 'fifo':
  }
}

/** The folder is private, so a whole path in it leads nowhere else. */
function makeDirectory(folder: Held, path: ByteString, { item, keepOwner }: { item: Inode; keepOwner: boolean }): void {
  mkdirSync(folder.at(path), 0o700);
  using directory = enter(folder, path);
  if (directory !== undefined) dressDirectory(directory, item, { keepOwner, filling: true });
}

/** Answers whether the new name was free, or an empty directory. */
function rename(parent: Held, from: ByteString, to: ByteString): boolean {
  try {
    renameSync(parent.at(from), parent.at(to));
    return true;
  } catch (error) {
    const code = systemCode(error);
    if (code === 'ENOTEMPTY' || code === 'EEXIST') return false;
    if (code === 'ENOTDIR')
      throw inTheWay(`${parent.shown}/${toBytes(to).toString()}`, 'came into being and is no directory', error);
    throw error;
  }
}
