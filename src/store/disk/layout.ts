import { existsSync, lstatSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { PortkitError, systemCode } from '../../base/errors.ts';
import { coded } from './failure.ts';
import { syncDirectory } from './durable.ts';

/** The version of everything below; it is part of the path, so two versions never share a file. */
const formatVersion = 1;

/** Where things are inside one version directory. */
export interface Layout {
  readonly directory: string;
  readonly blobs: string;
  readonly packs: string;
  readonly records: string;
  readonly sessions: string;
  readonly trash: string;
  readonly quarantine: string;
  readonly stat: string;
  readonly index: string;
}

/** The layout of this version below a root. */
export function layoutOf(root: string): Layout {
  const directory = join(root, `v${formatVersion}`);
  return {
    directory,
    blobs: join(directory, 'blobs', 'sha256'),
    packs: join(directory, 'packs'),
    records: join(directory, 'records'),
    sessions: join(directory, 'sessions'),
    trash: join(directory, 'trash'),
    quarantine: join(directory, 'quarantine'),
    stat: join(directory, 'stat'),
    index: join(directory, 'index.db'),
  };
}

/** The CACHEDIR.TAG that tells backup programs to pass this folder over (https://bford.info/cachedir/). */
const cacheTag = 'Signature: 8a477f597d28d172789f06886806bc55\n# This directory is the store of portkit; it can be made anew.\n';

/** Checks that a root may be used, and makes what is missing; everything made is durable before it is used. */
export function prepareRoot(root: string, uid: number | undefined): Layout {
  checkRoot(root, uid);
  const layout = layoutOf(root);
  coded(`make the store ${root}`, () => {
    makeFolder(root);
    if (!existsSync(join(root, 'CACHEDIR.TAG'))) writeFileSync(join(root, 'CACHEDIR.TAG'), cacheTag);
    const folders = [layout.blobs, layout.packs, layout.records, layout.sessions, layout.trash, layout.quarantine, layout.stat];
    const missing = folders.filter((folder) => !existsSync(folder));
    missing.forEach(makeFolder);
    if (missing.length > 0) [join(layout.directory, 'blobs'), layout.directory, root].forEach(syncDirectory);
  });
  return layout;
}

/** Makes a folder, and those above it. */
function makeFolder(path: string): void {
  try {
    mkdirSync(path, { recursive: true, mode: 0o700 });
  } catch (error) {
    // A link to nowhere on the way, or whatever Node's recursive mkdir gives this name.
    if (systemCode(error) !== 'ENOENT') throw error;
    throw new PortkitError('PK2006', `The folder ${path} of the store cannot be made`, {
      hint: 'Choose another with --root',
      cause: error,
    });
  }
}

/** Refuses a root that is no folder, is somebody else's, or was written by a newer portkit. */
export function checkRoot(root: string, uid: number | undefined): void {
  if (root.includes('\0')) throw new PortkitError('PK1003', 'The store root has a NUL byte in its path');
  let owner: number;
  try {
    const stat = lstatSync(`${root}/.`);
    if (!stat.isDirectory()) throw new PortkitError('PK2006', `The store root ${root} is not a folder`);
    owner = stat.uid;
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return;
    if (systemCode(error) !== 'ENOTDIR') throw error;
    throw new PortkitError('PK2006', `The store root ${root} is not a folder`, { hint: 'Choose another with --root' });
  }
  if (uid !== undefined && owner !== uid) {
    throw new PortkitError('PK2006', `The store root ${root} belongs to user ${owner}, not to user ${uid}`, {
      hint: 'Choose a root of your own with --root or PORTKIT_ROOT',
    });
  }
  for (const name of coded(`read the store root ${root}`, () => readdirSync(root))) {
    const version = /^v([0-9]+)$/.exec(name)?.[1];
    if (version === undefined || Number(version) <= formatVersion) continue;
    throw new PortkitError(
      'PK2005',
      `The store root ${root} holds format ${version}; this portkit knows format ${formatVersion}`,
      {
        hint: 'Use the newer portkit, or another root with --root',
      },
    );
  }
}
