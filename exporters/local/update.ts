import { mkdirSync, renameSync } from 'node:fs';
import { showBytes } from '../../src/base/byte-string.ts';
import type { ByteString } from '../../src/base/byte-string.ts';
import { systemCode } from '../../src/base/errors.ts';
import { inTheWay, parted, trailFrom } from '../files/held.ts';
import type { Held, Trail } from '../files/held.ts';
import { makeUnfinished } from '../files/unfinished.ts';
import type { Unfinished } from '../files/unfinished.ts';
import { compare } from './compare.ts';
import type { Compared } from './compare.ts';
import type { LocalExport, LocalPrepared } from './export.ts';
import { startNotes } from './notes.ts';
import { dressDirectory, isClosed, stageFile, stageLink, stageSymlink } from './stage.ts';

/** What is different, staged under a number of its own; directories are only made when it is published. */
interface Change extends Compared {
  readonly as: string;
}

/** Writes what differs to a private folder within the destination; publishing moves each into its place. */
export async function updateDirectory(one: LocalExport, there: Held, open: DisposableStack): Promise<LocalPrepared> {
  const notes = startNotes(one);
  const compared = await compare(one, there, (placed) => notes.add(placed));
  const changes = compared.filter(({ same }) => !same).map((change, at) => ({ ...change, as: String(at) }));
  const unfinished = changes.length === 0 ? undefined : open.use(makeUnfinished(there));
  if (unfinished !== undefined) await stageAll(one, unfinished.folder, changes);
  return {
    publish(signal) {
      signal.throwIfAborted();
      if (unfinished !== undefined) publish(one, there, { unfinished, changes });
      const written = changes.filter(({ placed }) => placed.item.type !== 'dir').length;
      return notes.receipt({
        written,
        unchanged: compared.filter(({ same, placed }) => same && placed.item.type !== 'dir').length,
      });
    },
  };
}

async function stageAll(one: LocalExport, folder: Held, changes: readonly Change[]): Promise<void> {
  const firsts = new Map<ByteString, string>();
  for (const { as, placed, replaces } of changes) {
    const { item, linkedTo, path } = placed;
    const first = linkedTo && firsts.get(linkedTo);
    if (first !== undefined) stageLink(folder, first, as);
    else if (item.type === 'symlink') stageSymlink(folder, as, { item, keepOwner: one.keepOwner });
    else if (item.type === 'file') {
      await stageFile({ folder, as, replaces }, item, one);
      firsts.set(path, as);
    }
  }
}

function publish(
  { keepOwner }: LocalExport,
  there: Held,
  { unfinished, changes }: { readonly unfinished: Unfinished; readonly changes: readonly Change[] },
): void {
  using trail = trailFrom(there);
  const made: Change[] = [];
  for (const change of changes) {
    if (change.placed.item.type !== 'dir') move(trail, unfinished.folder, change);
    else if (make(trail, change, keepOwner)) made.push(change);
  }
  for (const { placed } of made.toReversed()) {
    if (!isClosed(placed.item)) continue;
    const { above, name } = parted(placed.path);
    dressDirectory(present(trail, [...above, name]), placed.item, { keepOwner, filling: false });
  }
}

function move(trail: Trail, folder: Held, { as, placed }: Change): void {
  const { above, name } = parted(placed.path);
  const directory = present(trail, above);
  try {
    renameSync(folder.at(as), directory.at(name));
  } catch (error) {
    if (!['EISDIR', 'ENOTEMPTY', 'EEXIST'].includes(systemCode(error) ?? '')) throw error;
    throw inTheWay(`${directory.shown}/${showBytes(name)}`, 'is a directory, and a file is to go there', error);
  }
}

/** Makes a directory; one that came into being meanwhile is taken as it is. */
function make(trail: Trail, { placed }: Change, keepOwner: boolean): boolean {
  const { above, name } = parted(placed.path);
  try {
    mkdirSync(present(trail, above).at(name), 0o700);
  } catch (error) {
    if (systemCode(error) === 'EEXIST') return false;
    throw error;
  }
  dressDirectory(present(trail, [...above, name]), placed.item, { keepOwner, filling: true });
  return true;
}

function present(trail: Trail, names: readonly ByteString[]): Held {
  const directory = trail.directory(names);
  if (directory !== undefined) return directory;
  throw inTheWay(names.map(showBytes).join('/'), 'was removed from the destination meanwhile');
}
