import { lstatSync, mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { systemCode } from '../../base/errors.ts';

/** A folder of one's own for what is not whole yet; disposing removes it with all that is still in it. */
interface Work extends Disposable {
  readonly path: string;
}

const prefix = '.portkit-new-';
/** What is older than this was left by a run that is no more (milliseconds). */
const oldest = 86_400_000;

/** Makes a folder to work in, in the file system of what is to become of it; and removes what killed runs left there. */
export function makeWork(folder: string): Work {
  const path = mkdtempSync(join(folder, prefix));
  const remove = (): void => rmSync(path, { recursive: true, force: true });
  try {
    sweep(folder, path);
  } catch (error) {
    remove();
    throw error;
  }
  return { path, [Symbol.dispose]: remove };
}

/** By the clock of the file system, which also dated the folder of this run. */
function sweep(folder: string, own: string): void {
  const now = statSync(own).mtimeMs;
  for (const name of readdirSync(folder)) {
    if (!name.startsWith(prefix)) continue;
    const path = join(folder, name);
    try {
      const stat = lstatSync(path, { throwIfNoEntry: false });
      if (stat?.isDirectory() === true && now - stat.mtimeMs > oldest) rmSync(path, { recursive: true, force: true });
    } catch (error) {
      // It may be another user's, and is in nobody's way.
      if (systemCode(error) === undefined) throw error;
    }
  }
}
