import { byteString, showBytes } from '../../base/byte-string.ts';
import type { Digest } from '../../base/digest.ts';
import { agentPath } from '../../artifacts/model/paths.ts';
import { followPath } from '../../ops/tree/paths.ts';
import type { Item } from '../../store/trees/access.ts';
import type { Files } from './files.ts';
import { malformed } from './packages.ts';

/** A file that is looked at, by the path that it was found at. */
interface Planned {
  readonly path: string;
  readonly content: Digest;
  readonly size: number;
}

/** The files of a tree that say what is in it. */
export interface Plan {
  /** Where the system says its name (os-release(5)): at most one. */
  readonly system: readonly Planned[];
  readonly dpkg: readonly (Planned & { readonly isAll: boolean })[];
  readonly apk: readonly Planned[];
  /** What may be kernels, by their names. */
  readonly kernels: readonly Planned[];
  readonly programs: readonly (Planned & { readonly name: string })[];
  readonly unread: readonly string[];
}

/** Files of status.d. */
const mostFiles = 10_000;
/** Of one tree. */
const mostKernels = 64;

/** Databases of package managers that nobody reads here. */
const unknownDatabases = [
  ['rpm', 'var/lib/rpm'],
  ['rpm', 'usr/lib/sysimage/rpm'],
  ['pacman', 'var/lib/pacman/local'],
] as const;

/** Programs that a guest is started with. */
const programs = [
  ['port-guest-agent', agentPath.slice(1)],
  ['init', 'init'],
] as const;

/** Finds the files that say what is in a tree, by names alone. */
export async function planOf(files: Files): Promise<Plan> {
  const at = lookup(files);
  const kernels = await kernelsIn(at);
  const unread: string[] = [];
  if (kernels.length > mostKernels) unread.push(`there are more than ${mostKernels} files with names of kernels`);
  for (const [manager, path] of unknownDatabases) {
    const item = await at.item(path);
    if (item?.type === 'dir' && item.entries.length > 0) unread.push(`the packages that ${manager} has in ${path} are not read`);
  }
  return {
    system: (await at.each(['etc/os-release', 'usr/lib/os-release'])).slice(0, 1),
    dpkg: await dpkgIn(at),
    apk: await at.each(['lib/apk/db/installed', 'usr/lib/apk/db/installed']),
    kernels: kernels.slice(0, mostKernels),
    programs: (
      await Promise.all(programs.map(async ([name, path]) => (await at.each([path])).map((file) => ({ ...file, name }))))
    ).flat(),
    unread,
  };
}

interface Lookup {
  item(path: string): Promise<Item | undefined>;
  /** The files at these paths that are there, each file once. */
  each(paths: readonly string[]): Promise<readonly Planned[]>;
}

function lookup({ root, names }: Files): Lookup {
  const find = (path: string): ReturnType<typeof followPath> =>
    followPath(root, byteString(path), { access: names, last: 'follow' });
  return {
    item: async (path) => (await find(path)).item,
    async each(paths) {
      const found = new Map<string, Planned>();
      for (const path of paths) {
        const { item, path: real } = await find(path);
        if (item?.type === 'file' && !found.has(real)) found.set(real, { path, content: item.content, size: item.size });
      }
      return [...found.values()];
    },
  };
}

async function dpkgIn(at: Lookup): Promise<Plan['dpkg']> {
  const folder = 'var/lib/dpkg/status.d';
  const item = await at.item(folder);
  const files =
    item?.type === 'dir' ? item.entries.filter(({ type, name }) => type === 'file' && !name.endsWith('.md5sums')) : [];
  if (files.length > mostFiles) throw malformed(folder, `it has more than ${mostFiles} files`);
  return [
    ...(await at.each(['var/lib/dpkg/status'])).map((file) => ({ ...file, isAll: false })),
    ...files.flatMap((entry) =>
      entry.type === 'file'
        ? [{ path: `${folder}/${showBytes(entry.name)}`, content: entry.content, size: entry.size, isAll: true }]
        : [],
    ),
  ];
}

/** Where distributions put kernels: `boot/` and `usr/lib/modules/VERSION/`, and the top of the tree. */
async function kernelsIn(at: Lookup): Promise<readonly Planned[]> {
  const folders = ['', 'boot'];
  const modules = await at.item('usr/lib/modules');
  if (modules?.type === 'dir')
    for (const { type, name } of modules.entries.slice(0, mostKernels))
      if (type === 'dir') folders.push(`usr/lib/modules/${showBytes(name)}`);
  const found: Planned[] = [];
  for (const folder of folders) {
    const item = await at.item(folder);
    for (const entry of item?.type === 'dir' ? item.entries : []) {
      if (entry.type !== 'file' || !/^(?:vmlinu[xz]|bzImage|Image)(?:[-.].*)?$/.test(entry.name)) continue;
      const path = folder === '' ? showBytes(entry.name) : `${folder}/${showBytes(entry.name)}`;
      found.push({ path, content: entry.content, size: entry.size });
      if (found.length > mostKernels) return found;
    }
  }
  return found;
}
