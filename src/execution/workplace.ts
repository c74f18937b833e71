import {
  chmodSync,
  chownSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  realpathSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { PortkitError } from '../base/errors.ts';
import { takeLock, tryLock } from './lock.ts';

/** Whom commands run as on the host. */
export interface User {
  readonly uid: number;
  readonly gid: number;
}

/** Where one executor keeps what its commands see: a folder of its own that nobody but they can look into. */
export interface Workplace extends AsyncDisposable {
  readonly folder: string;
  /** A new empty folder, owned by whom the commands run as. */
  fresh(mode: number): string;
}

/**
 * A user that owns nothing on any machine: root never runs a command as itself, because even without capabilities the host's
 * files of root (such as those in /proc/sys) would be its own.
 */
export const nobodyElse: User = { uid: 64_321, gid: 64_321 };

/** How a workplace is made. */
export interface WorkplaceOptions {
  readonly user: User | undefined;
  /** Removes a folder whatever modes are in it. */
  readonly discard: (path: string) => Promise<void>;
  readonly signal: AbortSignal;
}

/** Makes a workplace below `scratch`, and clears away those of processes that ended. */
export async function openWorkplace(scratch: string, { user, discard, signal }: WorkplaceOptions): Promise<Workplace> {
  const folder = prepareFolder(scratch, user);
  const { name, lock, ended } = await claim(folder, signal);
  await Promise.all(ended.map((one) => discard(join(folder, one))));
  const own = join(folder, name);
  letPass(own, user);
  let count = 0;
  return {
    folder: own,
    fresh(mode) {
      const made = join(own, String((count += 1)));
      mkdirSync(made);
      chmodSync(made, mode);
      if (user !== undefined) chownSync(made, user.uid, user.gid);
      return made;
    },
    async [Symbol.asyncDispose]() {
      await discard(own);
      lock[Symbol.dispose]();
    },
  };
}

/** A folder that nobody else can change and the commands' user can reach; one that was there keeps its mode. */
export function prepareFolder(path: string, user: User | undefined): string {
  makePrivate(path, user);
  const folder = realpathSync(path);
  if (user !== undefined) checkReachable(folder);
  return folder;
}

function makePrivate(folder: string, user: User | undefined): void {
  if (mkdirSync(folder, { recursive: true, mode: 0o700 }) !== undefined) {
    return letPass(folder, user);
  }
  // Not through a link: below a folder that everybody writes to, somebody else may have been there first.
  const stat = lstatSync(folder);
  const { uid, gid, mode } = stat;
  if (!stat.isDirectory() || uid !== process.geteuid?.() || (mode & 0o022) !== 0) {
    throw new PortkitError('PK3109', `${folder} belongs to somebody else, or others may write in it`, {
      hint: 'Name a folder of your own, or one that does not exist yet',
    });
  }
  const passable = user === undefined || (mode & 0o001) !== 0 || (gid === user.gid && (mode & 0o010) !== 0);
  if (!passable) throw unreachable(folder, folder);
}

function letPass(folder: string, user: User | undefined): void {
  if (user === undefined) return;
  chownSync(folder, -1, user.gid);
  chmodSync(folder, 0o710);
}

/** Made under the common lock, so that nobody takes a workplace without its lock for one that was left behind. */
async function claim(
  folder: string,
  signal: AbortSignal,
): Promise<{ readonly name: string; readonly lock: Disposable; readonly ended: readonly string[] }> {
  using _ = await takeLock(join(folder, 'lock'), signal);
  const ended = readdirSync(folder).filter((name) => name.startsWith('w-') && isLeft(join(folder, name)));
  const made = mkdtempSync(join(folder, 'w-'));
  const lock = tryLock(join(made, 'lock'));
  if (lock === undefined) throw new Error(`${made} was locked by somebody else`);
  return { name: made.slice(folder.length + 1), lock, ended };
}

function isLeft(folder: string): boolean {
  const lock = tryLock(join(folder, 'lock'));
  lock?.[Symbol.dispose]();
  return lock !== undefined;
}

/**
 * The commands' user is a stranger on this machine: it must be let through every folder above; and nobody but root may be able
 * to put something else in their place.
 */
function checkReachable(folder: string): void {
  for (let above = dirname(folder); ; above = dirname(above)) {
    const { uid, mode } = statSync(above);
    if ((mode & 0o001) === 0) throw unreachable(above, folder);
    const sticky = (mode & 0o1000) !== 0;
    if (uid !== 0 || ((mode & 0o022) !== 0 && !sticky)) {
      throw new PortkitError('PK3109', `${above} can be changed by others than root, so ${folder} is not safe there`, {
        hint: 'Name a scratch folder below one of root, such as /var/tmp',
      });
    }
    if (above === dirname(above)) return;
  }
}

function unreachable(closed: string, folder: string): PortkitError {
  return new PortkitError('PK3109', `${closed} lets nobody pass, so commands that root starts cannot reach ${folder}`, {
    hint: 'Name a scratch folder below one that every user can enter, such as /var/tmp',
  });
}

/** The /etc of the host's root: who is who, and empty places for the few files that are mounted from the host. */
export function writeEtc(folder: string): string {
  const etc = join(folder, 'etc');
  for (const path of [etc, join(etc, 'alternatives'), join(etc, 'ssl')]) {
    mkdirSync(path);
    chmodSync(path, 0o755);
  }
  const files = {
    passwd: 'root:x:0:0::/:/bin/sh\nbuild:x:1000:1000::/tmp:/bin/sh\nnobody:x:65534:65534::/:/bin/false\n',
    group: 'root:x:0:\nbuild:x:1000:\nnogroup:x:65534:\n',
    hosts: '127.0.0.1 localhost build\n::1 localhost\n',
    'nsswitch.conf': 'passwd: files\ngroup: files\nhosts: files dns\n',
    'ld.so.cache': '',
    'resolv.conf': '',
  };
  for (const [name, text] of Object.entries(files)) {
    writeFileSync(join(etc, name), text);
    chmodSync(join(etc, name), 0o644);
  }
  return etc;
}
