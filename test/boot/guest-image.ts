import { existsSync, globSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { gzipSync } from 'node:zlib';

/** A kernel for tests, and the modules that belong to it when it has any. */
export interface TestKernel {
  readonly path: string;
  readonly release: string;
  /** The folder of its modules, of a package that is installed or only unpacked. */
  readonly modules?: string;
}

/** The kernel that a variable names, else the newest of the first folder that has one; undefined when there is none. */
export function findKernel(named: string | undefined, folders: readonly string[]): TestKernel | undefined {
  const [found] = folders.flatMap((folder) => globSync(join(folder, 'vmlinuz-*')).toSorted().toReversed());
  const path = named ?? found;
  if (path === undefined || !existsSync(path)) return undefined;
  const release = basename(path).replace(/^vmlinu[xz]-/, '');
  const modules = join(dirname(path), '../lib/modules', release);
  return { path, release, ...(existsSync(modules) && { modules }) };
}

/** A file of an initrd. */
export interface InitrdFile {
  readonly path: string;
  readonly mode: number;
  readonly bytes: Uint8Array;
}

const regular = 0o100000;
const directory = 0o040000;

/** What the agent needs of a kernel's modules, each with what it needs itself; the unpacked package has no modules.dep. */
const needed: Readonly<Record<string, readonly string[]>> = {
  virtio_ring: [],
  virtio: ['virtio_ring'],
  virtio_pci_modern_dev: [],
  virtio_pci_legacy_dev: [],
  virtio_pci: ['virtio_pci_legacy_dev', 'virtio_pci_modern_dev', 'virtio', 'virtio_ring'],
  virtio_console: ['virtio', 'virtio_ring'],
  virtio_blk: ['virtio', 'virtio_ring'],
  overlay: [],
};

/** The modules of a kernel for an initrd, as `init` of the agent looks for them. */
export function moduleFiles({ modules, release }: TestKernel): readonly InitrdFile[] {
  if (modules === undefined) return [];
  const found = globSync(join(modules, '**/*.ko*'));
  const place = new Map(Object.keys(needed).map((name) => [name, found.find((path) => basename(path).split('.')[0] === name)]));
  const present = [...place].flatMap(([name, path]) => (path === undefined ? [] : [{ name, path, inside: basename(path) }]));
  const inside = (name: string) => present.flatMap((module) => (module.name === name ? [module.inside] : []));
  const lines = present.map((module) => `${module.inside}: ${(needed[module.name] ?? []).flatMap(inside).join(' ')}\n`);
  const home = `lib/modules/${release}`;
  const folders = ['etc', 'lib', 'lib/modules', home].map((path) => ({ path, mode: directory | 0o755, bytes: Buffer.alloc(0) }));
  return [
    ...folders,
    { path: 'etc/port-kernel-modules-release', mode: regular | 0o644, bytes: Buffer.from(`${release}\n`) },
    { path: `${home}/modules.dep`, mode: regular | 0o644, bytes: Buffer.from(lines.join('')) },
    ...present.map((module) => ({ path: `${home}/${module.inside}`, mode: regular | 0o644, bytes: readFileSync(module.path) })),
  ];
}

/** An initrd with this program as its /init. */
export function initrdOf(init: Uint8Array, more: readonly InitrdFile[] = []): Uint8Array {
  return archiveOf([{ path: 'init', mode: regular | 0o755, bytes: init }, ...more]);
}

/** A packed cpio of files; the kernel takes several behind each other. */
export function archiveOf(files: readonly InitrdFile[]): Uint8Array {
  const end = { path: 'TRAILER!!!', mode: 0, bytes: Buffer.alloc(0) };
  return gzipSync(Buffer.concat([...files, end].flatMap(newcEntry)));
}

/** One member of a cpio "newc" archive: 13 numbers of 8 hex digits, the name and the bytes, each filled up to 4. */
function newcEntry({ path, mode, bytes }: InitrdFile, index: number): readonly Uint8Array[] {
  const fields = [index + 1, mode, 0, 0, 1, 0, bytes.length, 0, 0, 0, 0, path.length + 1, 0];
  const head = `070701${fields.map((field) => field.toString(16).padStart(8, '0')).join('')}${path}\0`;
  return [Buffer.from(head.padEnd(Math.ceil(head.length / 4) * 4, '\0')), bytes, Buffer.alloc(-bytes.length & 3)];
}

/** Makes the folder of a root file system with this program as its /init. */
export function fillRoot(folder: string, init: Uint8Array): void {
  for (const name of ['dev', 'etc', 'proc', 'run', 'sys', 'tmp']) mkdirSync(join(folder, name), { recursive: true });
  writeFileSync(join(folder, 'init'), init, { mode: 0o755 });
  writeFileSync(join(folder, 'etc/hostname'), 'guest\n');
}

/** Puts the files of an initrd into a folder. */
export function writeFiles(folder: string, files: readonly InitrdFile[]): void {
  mkdirSync(folder, { recursive: true });
  for (const { path, mode, bytes } of files)
    if ((mode & directory) === directory) mkdirSync(join(folder, path), { recursive: true });
    else writeFileSync(join(folder, path), bytes, { mode: mode & 0o777 });
}
