import { statSync } from 'node:fs';
import type { Stats } from 'node:fs';
import { PortkitError } from '../base/errors.ts';
import { unreadable } from '../images/reader.ts';

/** Checks a path that the user named: PK3953 (exit status 2) unless it is there, and is what is needed. */
export function checkNamedPath(path: string, kind: 'file' | 'folder'): void {
  const stat = statOf(path);
  if (kind === 'file' ? stat.isFile() : stat.isDirectory()) return;
  throw new PortkitError('PK3953', `${JSON.stringify(path)} is no ${kind === 'file' ? 'regular file' : 'folder'}`);
}

function statOf(path: string): Stats {
  try {
    return statSync(path);
  } catch (cause) {
    throw unreadable(path, cause);
  }
}
