import { lstatSync, mkdirSync, realpathSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { PortkitError, systemCode } from '../../base/errors.ts';
import { syncDirectory } from '../../store/disk/durable.ts';

/** A file below a root: the absolute folder that must not be left, and where the file is in it (`/` between names). */
export interface Place {
  readonly root: string;
  readonly path: string;
}

/** A place as messages show it and the system is asked for it, links not resolved. */
export function showPlace({ root, path }: Place): string {
  return join(root, path);
}

/** The folder of a place, made durably where it is not there; refused (PK3906) when a link leads out of the root. */
export function makeFolder(place: Place): string {
  makeRoot(place.root);
  const border = realpathSync(place.root);
  let at = border;
  for (const name of foldersOf(place)) {
    const next = join(at, name);
    if (made(next)) syncDirectory(at);
    at = inside(realpathSync(next), border, place);
  }
  return at;
}

/** The folder of a place, or undefined when it is not there; refused (PK3906) when a link leads out of the root. */
function findFolder(place: Place): string | undefined {
  try {
    const border = realpathSync(place.root);
    return inside(realpathSync(join(border, ...foldersOf(place))), border, place);
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return undefined;
    throw error;
  }
}

function makeRoot(root: string): void {
  const absolute = resolve(root);
  const first = mkdirSync(absolute, { recursive: true });
  if (first === undefined) return;
  for (let folder = absolute; folder.length >= first.length; folder = dirname(folder)) syncDirectory(dirname(folder));
}

function made(folder: string): boolean {
  try {
    mkdirSync(folder);
    return true;
  } catch (error) {
    if (systemCode(error) === 'EEXIST') return false;
    throw error;
  }
}

function inside(real: string, border: string, place: Place): string {
  if (real !== border && !real.startsWith(border === '/' ? '/' : `${border}/`)) {
    throw new PortkitError('PK3906', `The path ${showPlace(place)} leads out of ${place.root} through a symbolic link`, {
      hint: 'Remove the link, or name another path',
    });
  }
  return real;
}

function foldersOf({ path }: Place): readonly string[] {
  const names = path.split('/').filter((name) => name !== '' && name !== '.');
  if (names.includes('..')) throw new Error('A place was not checked');
  return names.slice(0, -1);
}

/** The file of a place in its folder, or undefined when nothing is there; refused (PK3912) when it is no regular file. */
export function findFile(place: Place): string | undefined {
  const folder = findFolder(place);
  if (folder === undefined) return undefined;
  const path = join(folder, nameOf(place));
  const stat = lstatSync(path, { throwIfNoEntry: false });
  if (stat === undefined) return undefined;
  if (stat.isFile()) return path;
  throw new PortkitError('PK3912', `${showPlace(place)} is no regular file`, { hint: 'Remove what is there' });
}

/** The last name of a place. */
export function nameOf({ path }: Place): string {
  return path.slice(path.lastIndexOf('/') + 1);
}
