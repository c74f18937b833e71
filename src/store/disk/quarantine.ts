import { existsSync, linkSync, lstatSync, renameSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import type { Digest } from '../../base/digest.ts';
import { hexOf } from '../../base/digest.ts';
import { PortkitError, systemCode } from '../../base/errors.ts';
import { readAt } from './pack.ts';
import { dropRow, findRow } from './rows.ts';
import type { BlobRow } from './rows.ts';
import type { State } from './state.ts';

/** The file of a blob that is not in a pack. */
export function loosePath(state: State, digest: Digest): string {
  return join(state.layout.blobs, hexOf(digest));
}

/**
 * Takes a damaged blob out of the way, keeping its bytes for whoever wants to know what happened; the next put of the
 * same content then heals the store. `seen` is the row that was found damaged: a row that has changed since is left alone.
 */
export function quarantine(state: State, digest: Digest, seen: BlobRow | undefined): void {
  if (state.index.readOnly) return;
  state.index.write(`quarantine ${digest}`, () => {
    const row = findRow(state.index, digest);
    if (row?.pack !== seen?.pack || row?.at !== seen?.at) return;
    if (row?.pack === undefined) moveAway(state, loosePath(state, digest), hexOf(digest));
    else keepPacked(state, row);
    dropRow(state.index, digest);
  });
}

/** Moves a file or folder that is not what it should be into the quarantine. */
export function moveAway(state: State, path: string, name: string): void {
  try {
    renameSync(path, freeName(state, name));
  } catch (error) {
    if (systemCode(error) !== 'ENOENT') throw error;
  }
}

/** Gives a file a second name in the quarantine; answers false where there is no file. */
export function keepCopy(state: State, path: string): boolean {
  if (lstatSync(path, { throwIfNoEntry: false })?.isFile() !== true) return false;
  linkSync(path, freeName(state, basename(path)));
  return true;
}

/** Renames a finished file to its final name; a folder that stands there is moved away. */
export function putInPlace(state: State, temporary: string, path: string): void {
  try {
    renameSync(temporary, path);
  } catch (error) {
    if (systemCode(error) !== 'EISDIR') throw error;
    moveAway(state, path, basename(path));
    renameSync(temporary, path);
  }
}

function keepPacked(state: State, row: BlobRow): void {
  const fd = row.pack === undefined ? undefined : state.pack(row.pack);
  const bytes = fd === undefined ? undefined : readAt(fd, row.at, row.size);
  if (bytes !== undefined) writeFileSync(freeName(state, hexOf(row.digest)), bytes);
}

function freeName(state: State, name: string): string {
  for (let count = 1; ; count += 1) {
    const path = join(state.layout.quarantine, `${name}.${count}`);
    if (!existsSync(path)) return path;
  }
}

/** What a reader is told of a damaged blob. */
export function corrupt(digest: Digest, cause?: unknown): PortkitError {
  return new PortkitError('PK2001', `The blob ${digest} is corrupt`, {
    hint: 'It was moved to the quarantine: what made it runs again, or "portkit cache verify" tells what else is damaged',
    cause,
  });
}
