import { accessSync, constants, lstatSync, realpathSync, statSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { PortkitError, systemCode } from '../../src/base/errors.ts';

const reasons: Readonly<Record<string, string>> = {
  ENOENT: 'is a symbolic link that leads nowhere',
  ENOTDIR: 'lies within a file',
};

/** Refuses (PK3402), before anything is built, a directory that cannot be written to, or not be made. */
export function checkDirectory(path: string): void {
  const kind = kindOf(path);
  if (kind === 'directory') checkWritable(path);
  else if (kind === 'nothing') checkParent(path);
  else throw unusable(`${path} is a ${kind}`, 'type=local writes into a directory');
}

/** Refuses (PK3402), before anything is built, a file that cannot be replaced, or not be made. */
export function checkFile(path: string): void {
  const kind = kindOf(path);
  if (kind === 'directory') throw unusable(`${path} is a directory`, 'Name a file in it');
  if (kind === 'special file') throw unusable(`${path} is a special file`, 'Use dest=- and lead standard output there');
  checkParent(fileBehind(path));
}

/** The file that is meant: where a symbolic link leads when it is one. */
export function fileBehind(path: string): string {
  if (kindOf(path) === 'file') return realpathSync(path);
  return join(dirname(path), basename(path));
}

function checkParent(path: string): void {
  const parent = dirname(path);
  const kind = kindOf(parent);
  if (kind === 'nothing') throw unusable(`${parent} is not there`, `Make it first: mkdir -p ${parent}`);
  if (kind !== 'directory') throw unusable(`${parent} is a ${kind}`, 'A destination has to be in a directory');
  checkWritable(parent);
}

function checkWritable(directory: string): void {
  try {
    accessSync(directory, constants.R_OK | constants.W_OK | constants.X_OK);
  } catch (error) {
    throw unusable(`${directory} may not be read and written`, 'Name another destination, or change its owner or mode', error);
  }
}

function kindOf(path: string): 'nothing' | 'directory' | 'file' | 'special file' {
  try {
    const stat = statSync(path);
    if (stat.isDirectory()) return 'directory';
    return stat.isFile() ? 'file' : 'special file';
  } catch (error) {
    const code = systemCode(error);
    if (code === 'ENOENT' && lstatSync(path, { throwIfNoEntry: false }) === undefined) return 'nothing';
    throw unusable(`${path} ${reasons[code ?? ''] ?? `cannot be looked at (${code})`}`, 'Name another destination', error);
  }
}

function unusable(what: string, hint: string, cause?: unknown): PortkitError {
  return new PortkitError('PK3402', `The output cannot be written: ${what}`, { hint, cause });
}
