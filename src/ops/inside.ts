import { realpath } from 'node:fs/promises';
import { isAbsolute, resolve } from 'node:path';
import { PortkitError } from '../base/errors.ts';
import { systemReason } from '../base/system-reason.ts';

/** Where paths of a definition lead from, and what they may not leave. */
export interface Bounds {
  /** The definition's directory, absolute. */
  readonly directory: string;
  /** The outermost directory that may be read: the definition's own, unless the user named one above it. */
  readonly outermost?: string;
}

/**
 * The real place of a path in a definition. Refused (PK3208): absolute paths, and those that lead outside, by `..` or
 * through symlinks. What was resolved is what is to be opened.
 */
export async function resolveInside(path: string, { directory, outermost = directory }: Bounds): Promise<string> {
  const shown = JSON.stringify(path.slice(0, 200));
  const refuse = (why: string) =>
    new PortkitError('PK3208', `The path ${shown} ${why}`, {
      hint: "Paths are relative to the definition's folder and stay in it; --project DIR names one above it that they may stay in",
    });
  if (path === '' || path.includes('\0') || isAbsolute(path)) throw refuse('is no relative path');
  const border = await realpath(outermost);
  // Asked of the text first, so that nothing outside is even looked at.
  if (!isInside(resolve(directory, path), resolve(outermost))) throw refuse('leads outside');
  const real = await realpath(resolve(directory, path)).catch((error: unknown) => {
    throw new PortkitError('PK3208', `The path ${shown} cannot be read: ${systemReason(error)}`, { cause: error });
  });
  if (!isInside(real, border)) throw refuse('leads outside through a symlink');
  return real;
}

function isInside(path: string, border: string): boolean {
  return path === border || path.startsWith(border === '/' ? '/' : `${border}/`);
}
