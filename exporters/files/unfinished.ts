import { fstatSync, lstatSync, mkdtempSync, readFileSync, readdirSync, readlinkSync, rmSync } from 'node:fs';
import { basename } from 'node:path';
import { byteString } from '../../src/base/byte-string.ts';
import type { ByteString } from '../../src/base/byte-string.ts';
import { systemCode } from '../../src/base/errors.ts';
import { enter, inTheWay } from './held.ts';
import type { Held } from './held.ts';

/** A private folder for unfinished work; disposing removes it with everything that is still in it. */
export interface Unfinished extends Disposable {
  readonly name: ByteString;
  /** The folder, which nobody else can enter. */
  readonly folder: Held;
}

/** `.portkit-unfinished-<pid namespace>-<pid>-<start of the process>-<random>`: who made it can be seen in the name. */
const form = /^\.portkit-unfinished-(\d+)-(\d+)-(\d+)-[A-Za-z0-9]{6}$/;
/** What another pid namespace made cannot be asked after: it goes when it is as old as no export gets (milliseconds). */
const oldest = 86_400_000;

/** Makes a folder for unfinished work in the directory whose file system the result is to be on. */
export function makeUnfinished(directory: Held): Unfinished {
  const maker = `${namespace()}-${process.pid}-${startOf(process.pid)}`;
  const name = byteString(basename(mkdtempSync(directory.at(`.portkit-unfinished-${maker}-`).toString())));
  const remove = (): void => rmSync(directory.at(name), { recursive: true, force: true });
  try {
    const folder = enter(directory, name);
    // Whoever owns the directory may have put another one in its place.
    if (folder === undefined || fstatSync(folder.fd).uid !== process.geteuid?.()) {
      folder?.[Symbol.dispose]();
      throw inTheWay(`${directory.shown}/${name}`, 'was made and then replaced by somebody else');
    }
    return {
      name,
      folder,
      [Symbol.dispose]() {
        folder[Symbol.dispose]();
        remove();
      },
    };
  } catch (error) {
    remove();
    throw error;
  }
}

/** Removes what runs that were killed have left in a directory; what cannot be removed is left alone. */
export function sweepUnfinished(directory: Held): void {
  for (const name of readdirSync(`/proc/self/fd/${directory.fd}`, 'latin1')) {
    const [, inNamespace, pid, start] = form.exec(name) ?? [];
    if (pid === undefined || !mine(directory, name)) continue;
    const dead = inNamespace === namespace() ? startOf(Number(pid)) !== start : isOld(directory, name);
    if (!dead) continue;
    try {
      rmSync(directory.at(name), { recursive: true, force: true });
    } catch (error) {
      if (systemCode(error) === undefined) throw error;
    }
  }
}

/** Whether it is a directory of this user: others may have made something of that name. */
function mine(directory: Held, name: string): boolean {
  const stat = lstatSync(directory.at(name), { throwIfNoEntry: false });
  return stat !== undefined && stat.isDirectory() && stat.uid === process.geteuid?.();
}

function isOld(directory: Held, name: string): boolean {
  const stat = lstatSync(directory.at(name), { throwIfNoEntry: false });
  // The time of the directory is not after the present, by the clock that the file system goes by.
  return stat !== undefined && fstatSync(directory.fd).mtimeMs - stat.mtimeMs > oldest;
}

function namespace(): string {
  return readlinkSync('/proc/self/ns/pid').replaceAll(/\D/g, '');
}

/** When a process was started, in ticks since boot; with its pid this is no other process. Empty when it does not live. */
function startOf(pid: number): string {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    // The name of the program comes second, in parentheses, and may hold anything; the start is field 22.
    const [state = '', ...rest] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return 'ZX'.includes(state) ? '' : (rest[18] ?? '');
  } catch (error) {
    if (systemCode(error) === 'ENOENT' || systemCode(error) === 'ESRCH') return '';
    throw error;
  }
}
