import { lstatSync, readlinkSync } from 'node:fs';
import type { Inode } from '../../src/artifacts/listed.ts';
import { fromBytes, showBytes } from '../../src/base/byte-string.ts';
import type { ByteString } from '../../src/base/byte-string.ts';
import { digestOfFile } from '../../src/artifacts/copies/content.ts';
import { lookInto } from '../files/look-into.ts';
import { inTheWay, parted, trailFrom } from '../files/held.ts';
import type { Held } from '../files/held.ts';
import { layout } from '../files/layout.ts';
import type { Placed } from '../files/layout.ts';
import type { LocalExport } from './export.ts';
import { modeFor } from './stage.ts';

/** An item of the output, and how it compares with what is at its place. */
export interface Compared {
  readonly placed: Placed;
  readonly same: boolean;
}

/** What was found at a place: nothing, something else, or what has to be there, as this inode. */
interface Found {
  readonly placed: Placed;
  readonly inode: string | undefined;
}

/** Compares the output with a directory, reading only files of the right size. What cannot be replaced is refused (PK3404). */
export async function compare(one: LocalExport, root: Held, seen: (placed: Placed) => void): Promise<readonly Compared[]> {
  const found: Found[] = [];
  using trail = trailFrom(root);
  for await (const placed of layout(one.targets, one.src, one.context)) {
    seen(placed);
    if (placed.path === '' || isSpecial(placed.item)) continue;
    const { above, name } = parted(placed.path);
    if (placed.item.type === 'dir') {
      const there = trail.directory([...above, name]) !== undefined;
      found.push({ placed, inode: there ? 'directory' : undefined });
      continue;
    }
    const directory = trail.directory(above);
    const stat = directory && lstatSync(directory.at(name), { throwIfNoEntry: false });
    if (stat?.isDirectory() === true) {
      throw inTheWay(`${root.shown}/${showBytes(placed.path)}`, 'is a directory, and a file is to go there');
    }
    const inode = directory && stat && (await identity(directory, name, { item: placed.item, one }));
    found.push({ placed, inode });
  }
  const torn = tornGroups(found);
  return found.map(({ placed, inode }) => ({
    placed,
    same: inode !== undefined && !torn.has(placed.linkedTo ?? placed.path),
  }));
}

function isSpecial({ type }: Inode): boolean {
  return type === 'char' || type === 'block' || type === 'fifo';
}

/** The inode of what is there when it is as it has to be. */
async function identity(
  directory: Held,
  name: ByteString,
  { item, one }: { readonly item: Inode; readonly one: LocalExport },
): Promise<string | undefined> {
  const owned = (file: { uid: number; gid: number }): boolean =>
    !one.keepOwner || (file.uid === item.uid && file.gid === item.gid);
  if (item.type === 'symlink') {
    const stat = lstatSync(directory.at(name), { throwIfNoEntry: false });
    if (stat?.isSymbolicLink() !== true || !owned(stat)) return undefined;
    return fromBytes(readlinkSync(directory.at(name), 'buffer')) === item.target ? 'link' : undefined;
  }
  if (item.type !== 'file') return undefined;
  return await lookInto(directory, name, async (file) => {
    if (file.size !== item.size || file.mode !== modeFor(item, one) || !owned(file)) return undefined;
    return (await digestOfFile(file.fd, one.context.signal)) === item.content ? file.inode : undefined;
  });
}

/** Groups of hard links (by their first path) that are not one file at the destination: they are written anew as a whole. */
function tornGroups(found: readonly Found[]): ReadonlySet<ByteString> {
  const inodes = new Map(found.map(({ placed, inode }) => [placed.path, inode]));
  const torn = new Set<ByteString>();
  for (const { placed, inode } of found) {
    const { linkedTo } = placed;
    if (linkedTo !== undefined && (inode === undefined || inode !== inodes.get(linkedTo))) torn.add(linkedTo);
  }
  return torn;
}
