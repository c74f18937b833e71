import { byteString, showBytes } from '../../base/byte-string.ts';
import { canonicalJson } from '../../base/canonical.ts';
import type { Digest } from '../../base/digest.ts';
import { digestOf } from '../../base/digest.ts';
import { PortkitError } from '../../base/errors.ts';
import type { Ref } from '../../base/ref.ts';
import type { Unxz } from '../../formats/compression/decompress.ts';
import { inspectKernel } from '../../kernels/inspect/inspect.ts';
import { followPath } from '../../ops/tree/paths.ts';
import type { Item } from '../../store/trees/access.ts';
import type { LayoutWorld } from '../layout-tree.ts';
import type { InstalledPackage, KernelFound, OperatingSystem, Subject } from './inventory.ts';
import { malformed, readApk, readDpkg } from './packages.ts';

/** What looking into inputs takes. */
export interface LookWorld extends LayoutWorld {
  readonly unxz: Unxz;
}

const mostBytes = 64 << 20;
/** Files of status.d, and kernels of one tree. */
const mostFiles = 10_000;
const mostKernels = 16;

/** What is in an input: of a tree the packages and kernels, of a file the kernel that it may be. */
export async function lookInto(name: string, { kind, digest }: Ref, world: LookWorld): Promise<Subject> {
  if (kind === 'blob') {
    const kernel = await kernelIn(digest, world);
    return { name, kind, digest, packages: [], kernels: kernel === undefined ? [] : [kernel] };
  }
  const system = await systemOf(digest, world);
  const packages = [...(await dpkgOf(digest, world)), ...(await apkOf(digest, world))];
  return { name, kind, digest, ...(system && { system }), packages, kernels: await kernelsOf(digest, world) };
}

async function dpkgOf(tree: Digest, world: LookWorld): Promise<readonly InstalledPackage[]> {
  const whole = await textAt(tree, 'var/lib/dpkg/status', world);
  const found = whole === undefined ? [] : [...readDpkg({ shown: 'var/lib/dpkg/status', text: whole })];
  const folder = await itemAt(tree, 'var/lib/dpkg/status.d', world);
  const files =
    folder?.type === 'dir' ? folder.entries.filter(({ type, name }) => type === 'file' && !name.endsWith('.md5sums')) : [];
  if (files.length > mostFiles) throw malformed('var/lib/dpkg/status.d', `it has more than ${mostFiles} files`);
  for (const { name } of files) {
    const shown = `var/lib/dpkg/status.d/${showBytes(name)}`;
    const text = await textAt(tree, `var/lib/dpkg/status.d/${showBytes(name)}`, world);
    found.push(...readDpkg({ shown, text: text ?? '' }, true));
  }
  return found;
}

async function apkOf(tree: Digest, world: LookWorld): Promise<readonly InstalledPackage[]> {
  const shown = 'lib/apk/db/installed';
  const text = await textAt(tree, shown, world);
  return text === undefined ? [] : readApk({ shown, text });
}

async function systemOf(tree: Digest, world: LookWorld): Promise<OperatingSystem | undefined> {
  const text = (await textAt(tree, 'etc/os-release', world)) ?? (await textAt(tree, 'usr/lib/os-release', world)) ?? '';
  const id = /^ID=["']?([a-z0-9._-]{1,64})["']?$/m.exec(text)?.[1];
  const version = /^VERSION_ID=["']?([A-Za-z0-9._-]{1,64})["']?$/m.exec(text)?.[1];
  return id === undefined ? undefined : { id, ...(version !== undefined && { version }) };
}

/** Kernels where distributions put them: `boot/` and `usr/lib/modules/VERSION/`, and the top of the tree. */
async function kernelsOf(tree: Digest, world: LookWorld): Promise<readonly KernelFound[]> {
  const folders = ['', 'boot'];
  const modules = await itemAt(tree, 'usr/lib/modules', world);
  if (modules?.type === 'dir')
    for (const { type, name } of modules.entries.slice(0, mostKernels))
      if (type === 'dir') folders.push(`usr/lib/modules/${showBytes(name)}`);
  const found: KernelFound[] = [];
  for (const folder of folders) {
    const item = await itemAt(tree, folder, world);
    for (const entry of item?.type === 'dir' ? item.entries : []) {
      if (entry.type !== 'file' || !/^(?:vmlinu[xz]|bzImage|Image)(?:[-.].*)?$/.test(entry.name)) continue;
      if (found.length === mostKernels) return found;
      const kernel = await kernelIn(entry.content, world);
      const path = folder === '' ? showBytes(entry.name) : `${folder}/${showBytes(entry.name)}`;
      if (kernel !== undefined) found.push({ ...kernel, path });
    }
  }
  return found;
}

/** What a kernel says of itself; undefined for a file that is none, or none that can be read. */
async function kernelIn(digest: Digest, { blobs, signal, unxz }: LookWorld): Promise<KernelFound | undefined> {
  const content = await blobs.open(digest, signal);
  if (content === undefined) throw new PortkitError('PK2002', `The blob ${digest} is not in the store`);
  let missing: PortkitError | undefined;
  // Without xz, less would be found, and be taken for all there is.
  async function* remembering(...args: Parameters<Unxz>): AsyncGenerator<Uint8Array> {
    try {
      yield* unxz(...args);
    } catch (error) {
      if (error instanceof PortkitError && error.code === 'PK6901') missing = error;
      throw error;
    }
  }
  try {
    const { version, architecture, core } = await inspectKernel({ content, unxz: remembering }, signal);
    if (missing !== undefined) throw missing;
    const release = /^[\w.+~-]{1,200}/.exec(version ?? '')?.[0];
    return {
      digest,
      ...(release !== undefined && { release }),
      ...(architecture !== undefined && { architecture }),
      ...(core?.config && { config: digestOf(canonicalJson(Object.fromEntries(core.config))) }),
    };
  } catch (error) {
    if (missing !== undefined) throw missing;
    if (error instanceof PortkitError && /^PK(?:33|37)/.test(error.code)) return undefined;
    throw error;
  }
}

async function itemAt(tree: Digest, path: string, world: LookWorld): Promise<Item | undefined> {
  return (await followPath(tree, byteString(path), { access: world, last: 'follow' })).item;
}

async function textAt(tree: Digest, path: string, world: LookWorld): Promise<string | undefined> {
  const item = await itemAt(tree, path, world);
  if (item?.type !== 'file') return undefined;
  if (item.size > mostBytes) throw malformed(path, `it has more than ${mostBytes} bytes`);
  const parts: Uint8Array[] = [];
  const content = await world.blobs.open(item.content, world.signal);
  if (content === undefined) throw new PortkitError('PK2002', `The blob ${item.content} is not in the store`);
  for await (const part of content) parts.push(part);
  return Buffer.concat(parts).toString();
}
