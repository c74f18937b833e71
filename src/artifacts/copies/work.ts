import { lstatSync, mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { systemCode } from '../../base/errors.ts';

/** A place of one's own for what is not whole yet; disposing removes all that is still there. */
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

/** Places for new files in one folder, which is there while any of them is in use: to make and remove it each time is slow. */
export function sharedWork(folder: string): () => Work {
  let shared: Work | undefined;
  let users = 0;
  let count = 0;
  return () => {
    const work = (shared ??= makeWork(folder));
    const path = join(work.path, String((count += 1)));
    users += 1;
    return {
      path,
      [Symbol.dispose]() {
        users -= 1;
        rmSync(path, { force: true });
        if (users > 0) return;
        shared = undefined;
        work[Symbol.dispose]();
      },
    };
  };
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
