import { chmodSync, linkSync, lstatSync, lutimesSync, mkdirSync, symlinkSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { showBytes, toBytes } from '../../base/byte-string.ts';
import type { ByteString } from '../../base/byte-string.ts';
import { PortkitError } from '../../base/errors.ts';
import type { FileEntry, FileTree } from '../../formats/file-tree.ts';

interface Owner {
  readonly uid: number;
  readonly gid: number;
}

/**
 * Makes the files of a tree in a folder, for a program that reads nothing else, and tells the owner that all of them have.
 * What needs root or cannot be made exactly as it is, is PK3955.
 */
export async function layOut(
  { entries, contents }: FileTree,
  folder: string,
  signal: AbortSignal,
): Promise<{ readonly source: string; readonly owner: Owner }> {
  const source = join(folder, 'tree');
  const owner = onlyOwner(entries);
  const at = (path: ByteString): Buffer => Buffer.concat([Buffer.from(`${source}/`), toBytes(path)]);
  for (const entry of entries) {
    const name = entry.path.slice(entry.path.lastIndexOf('/') + 1);
    // It cuts off the last byte of such a name, and passes over every lost+found.
    if (name.length > 254) throw unfit(entry, 'has a name of 255 bytes');
    if (name === 'lost+found') throw unfit(entry, 'is a lost+found');
    signal.throwIfAborted();
    const place = at(entry.path);
    if (entry.type === 'dir') mkdirSync(place);
    else if (entry.type === 'symlink') symlinkSync(toBytes(entry.target), place);
    else if (entry.type === 'hardlink') linkSync(at(entry.target), place);
    else if (entry.type === 'file') await fill(place, contents.open(entry.content, signal));
    else throw unfit(entry, `is a ${entry.type}`);
  }
  // What is in a directory changes its time, and perhaps may not be changed any more: from below.
  for (const entry of entries.toReversed()) finish(entry, at(entry.path));
  return { source, owner };
}

function onlyOwner(entries: readonly FileEntry[]): Owner {
  let owner: Owner | undefined;
  for (const entry of entries) {
    if (entry.type === 'hardlink') continue;
    owner ??= entry;
    if (entry.uid !== owner.uid || entry.gid !== owner.gid) throw unfit(entry, 'has another owner than the root');
    if (entry.xattrs.length > 0) throw unfit(entry, 'has extended attributes');
  }
  return { uid: owner?.uid ?? 0, gid: owner?.gid ?? 0 };
}

async function fill(place: Buffer, content: Uint8Array | AsyncIterable<Uint8Array>): Promise<void> {
  await using file = await open(place, 'wx', 0o600);
  await file.writeFile(content);
}

function finish(entry: FileEntry, place: Buffer): void {
  if (entry.type === 'hardlink') return;
  if (entry.type !== 'symlink') chmodSync(place, entry.mode);
  const { seconds, nanos } = entry.mtime;
  const time = seconds + nanos / 1e9;
  lutimesSync(place, time, time);
  const made = lstatSync(place, { bigint: true });
  if (made.mtimeNs !== BigInt(seconds) * 1_000_000_000n + BigInt(nanos)) throw unfit(entry, 'has a time that cannot be set');
  if (entry.type !== 'symlink' && Number(made.mode & 0o7777n) !== entry.mode) throw unfit(entry, 'has a mode that cannot be set');
}

function unfit({ path }: FileEntry, what: string): PortkitError {
  return new PortkitError('PK3955', `"/${showBytes(path)}" cannot be told to this mkfs.erofs: it ${what}`, {
    hint: 'Install erofs-utils 1.7 or newer, or make an ext4 image',
  });
}
