import { lstatSync, mkdtempSync, readdirSync, renameSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { systemCode } from '../../base/errors.ts';
import type { Layout } from './layout.ts';

/** Renames a file or folder into the trash, where it is deleted later and outside every lock; nothing there is no failure. */
export function toTrash(layout: Layout, path: string): void {
  while (lstatSync(path, { throwIfNoEntry: false }) !== undefined) {
    const folder = mkdtempSync(join(layout.trash, 't-'));
    try {
      return renameSync(path, join(folder, basename(path)));
    } catch (error) {
      // Another process may have emptied the trash since the folder was made in it.
      if (systemCode(error) !== 'ENOENT') throw error;
    }
  }
}

/** Deletes what was thrown away; what another process deletes or adds meanwhile is left to it. */
export async function emptyTrash(layout: Layout): Promise<void> {
  for (const name of readdirSync(layout.trash)) {
    // Node's `rmSync` gives most errors no code; its `rm` does.
    await rm(join(layout.trash, name), { recursive: true, force: true }).catch((error: unknown) => {
      if (systemCode(error) !== 'ENOTEMPTY') throw error;
    });
  }
}
