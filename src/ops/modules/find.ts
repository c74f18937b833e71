import { byteString, showBytes } from '../../base/byte-string.ts';
import type { ByteString } from '../../base/byte-string.ts';
import type { Digest } from '../../base/digest.ts';
import { PortkitError } from '../../base/errors.ts';
import { decompress, defaultDecompressLimits, compressionOf } from '../../formats/compression/decompress.ts';
import { moduleNeeds } from '../../formats/elf/module-info.ts';
import type { Item, TreeAccess } from '../../store/trees/access.ts';
import { listTree } from '../../store/trees/list.ts';
import { showPath } from '../../store/trees/path.ts';
import type { DecompressWorld } from '../decompress.ts';
import { contentOf } from '../elf/trees.ts';
import { followPath } from '../tree/paths.ts';

type FileItem = Extract<Item, { type: 'file' }>;

/** Where modules are looked for, and what reading them takes. */
export interface ModuleTree {
  readonly tree: Digest;
  readonly access: TreeAccess;
  readonly world: DecompressWorld;
}

/** A module, and where it is below its kernel's folder. */
export interface ModuleFile {
  readonly path: ByteString;
  readonly file: FileItem;
}

/** A kernel's modules: the files by module name, and the names of what the kernel has built in. */
export interface KernelModules {
  readonly release: ByteString;
  readonly files: ReadonlyMap<string, ModuleFile>;
  readonly builtin: ReadonlySet<string>;
}

/** Far more than any module has, unpacked. */
const largestModule = 2 ** 28;

/** The modules of the one kernel in a tree, or of the one that is named; PK3810 when there is none, or when it is not clear which. */
export async function findModules({ tree, access, world }: ModuleTree, release: string | undefined): Promise<KernelModules> {
  const folders = await Promise.all(
    ['lib/modules', 'usr/lib/modules'].map((path) => followPath(tree, byteString(path), { access, last: 'follow' })),
  );
  const folder = folders.find(({ item }) => item?.type === 'dir')?.item;
  const releases = folder?.type === 'dir' ? folder.entries.filter((entry) => entry.type === 'dir') : [];
  const wanted = release === undefined ? releases : releases.filter(({ name }) => name === byteString(release));
  const [one, second] = wanted;
  if (one === undefined || second !== undefined) {
    const named = release === undefined ? 'one kernel' : `the kernel ${JSON.stringify(release.slice(0, 100))}`;
    const names = releases.slice(0, 8).map(({ name }) => showBytes(name));
    throw new PortkitError('PK3810', `The input does not have the modules of ${named}`, {
      hint:
        names.length === 0 ? 'It has no folder in /lib/modules' : `It has those of ${names.join(', ')}: name one with release`,
    });
  }
  const files = new Map<string, ModuleFile>();
  let builtin = new Set<string>();
  for await (const { path, item } of listTree(one.node, access)) {
    if (item.type !== 'file') continue;
    const name = nameOf(path);
    if (name !== undefined) files.set(name, { path, file: item });
    if (path !== 'modules.builtin') continue;
    const list = await contentOf(item, { roots: [], access, world }, { path, most: 2 ** 20 });
    builtin = new Set(
      list
        .toString()
        .split('\n')
        .flatMap((line) => nameOf(line) ?? []),
    );
  }
  return { release: one.name, files, builtin };
}

/** Names and files spell the same module with `-` and `_`. */
export function plainName(name: string): string {
  return name.replaceAll('-', '_');
}

function nameOf(path: string): string | undefined {
  const [, name] = /([^/]+)\.ko(?:\.gz|\.xz|\.zst)?$/.exec(path) ?? [];
  return name === undefined ? undefined : plainName(name);
}

/** The modules that a module asks for itself. */
export async function needsOf(
  { path, file }: ModuleFile,
  { access, world }: Omit<ModuleTree, 'tree'>,
): Promise<readonly string[]> {
  const packed = await contentOf(file, { roots: [], access, world }, { path, most: largestModule });
  const format = compressionOf(packed.subarray(0, 6));
  const limits = { ...defaultDecompressLimits, bytes: largestModule };
  const unpacked =
    format === undefined
      ? packed
      : Buffer.concat(await Array.fromAsync(decompress(one(packed), { format, limits, unxz: world.unxz }, access.signal)));
  const needs = await moduleNeeds((offset, size) => Promise.resolve(unpacked.subarray(offset, offset + size)));
  if (needs !== undefined) return needs.map(plainName);
  throw new PortkitError('PK3305', `${showPath(path)} is no kernel module`);
}

async function* one(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}
