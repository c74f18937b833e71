import { closeSync, constants, fchmodSync, fchownSync, lchownSync, linkSync, openSync, symlinkSync } from 'node:fs';
import { contentOf } from '../../src/artifacts/content.ts';
import type { Inode } from '../../src/artifacts/listed.ts';
import type { ExportContext } from '../../src/artifacts/exporter.ts';
import { toBytes } from '../../src/base/byte-string.ts';
import { writeContent } from '../../src/artifacts/copies/content.ts';
import type { Held } from '../files/held.ts';

/** How items become files. */
export interface Manner {
  readonly keepOwner: boolean;
  readonly context: ExportContext;
}

const fileFlags = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW;

/** The mode that an item gets: set-user-id bits mean nothing good without their owner. */
export function modeFor({ mode }: Inode, { keepOwner }: Pick<Manner, 'keepOwner'>): number {
  return mode & (keepOwner ? 0o7777 : 0o1777);
}

/** Writes a new file. */
export async function stageFile(
  place: { readonly folder: Held; readonly as: string },
  item: Extract<Inode, { type: 'file' }>,
  manner: Manner,
): Promise<void> {
  const { blobs, signal } = manner.context;
  signal.throwIfAborted();
  const fd = openSync(place.folder.at(place.as), fileFlags, 0o600);
  try {
    await writeContent(fd, contentOf(item, blobs, signal));
    if (manner.keepOwner) fchownSync(fd, item.uid, item.gid);
    fchmodSync(fd, modeFor(item, manner));
  } finally {
    closeSync(fd);
  }
}

/** Makes a new symbolic link. */
export function stageSymlink(
  folder: Held,
  as: string,
  { item, keepOwner }: { item: Extract<Inode, { type: 'symlink' }>; keepOwner: boolean },
): void {
  symlinkSync(toBytes(item.target), folder.at(as));
  if (keepOwner) lchownSync(folder.at(as), item.uid, item.gid);
}

/** One more name for a file that was staged. */
export function stageLink(folder: Held, first: string, as: string): void {
  linkSync(folder.at(first), folder.at(as));
}

/** Gives an open directory its owner and mode; while it is being filled, its owner has all rights. */
export function dressDirectory(
  directory: Held,
  item: Inode,
  { keepOwner, filling }: { keepOwner: boolean; filling: boolean },
): void {
  if (keepOwner) fchownSync(directory.fd, item.uid, item.gid);
  fchmodSync(directory.fd, modeFor(item, { keepOwner }) | (filling ? 0o700 : 0));
}

/** Whether a directory takes rights from its own owner, which it can only when everything is in it. */
export function isClosed(item: Inode): boolean {
  return item.type === 'dir' && (item.mode & 0o700) !== 0o700;
}
