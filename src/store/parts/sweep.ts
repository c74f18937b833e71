import { lstatSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { systemCode } from '../../base/errors.ts';

/** When it is, and who may remove what. */
export interface Sweeping {
  /** Milliseconds, as files are dated. */
  readonly now: number;
  /** The turn for a name, while nobody else has it. */
  readonly mayTake: (name: string) => Disposable | undefined;
}

const week = 7 * 86_400_000;
/** `NAME.json` and `NAME.3.part`; `NAME.part` is of an earlier form. */
const pattern = /^(.+?)(?:\.\d+)?\.(?:part|json|new)$/;

/** Removes what nobody has come back for. A part is as old as the newest of its files. */
export function sweep(folder: string, { now, mayTake }: Sweeping): void {
  const files = readdirSync(folder).filter((file) => pattern.test(file));
  for (const [name, own = []] of Map.groupBy(files, (file) => pattern.exec(file)?.[1] ?? '')) {
    if (!own.every((file) => isOld(join(folder, file), now))) continue;
    using turn = mayTake(name);
    if (turn !== undefined) for (const file of own) rmSync(join(folder, file), { force: true, recursive: true });
  }
}

function isOld(path: string, now: number): boolean {
  try {
    return now - lstatSync(path).mtimeMs > week;
  } catch (error) {
    if (systemCode(error) === undefined) throw error;
    return false;
  }
}
