import { mkdtempSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { systemCode } from '../../base/errors.ts';
import type { State } from './state.ts';

/** Renames a file into the trash, where it is deleted later and outside every lock. */
export function toTrash(state: State, path: string, name: string): void {
  try {
    renameSync(path, join(mkdtempSync(join(state.layout.trash, 't-')), name));
  } catch (error) {
    if (systemCode(error) !== 'ENOENT') throw error;
  }
}

/** Deletes what was thrown away. */
export function emptyTrash(state: State): void {
  for (const name of readdirSync(state.layout.trash)) rmSync(join(state.layout.trash, name), { recursive: true, force: true });
}
