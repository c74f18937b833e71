import { createHash } from 'node:crypto';
import { constants, createReadStream } from 'node:fs';
import { access, realpath, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { digestFromHex } from '../base/digest.ts';
import type { Digest } from '../base/digest.ts';
import { PortkitError, systemCode } from '../base/errors.ts';
import { searchPath } from './sandbox.ts';

/** The programs of this machine that steps on its root use. */
export interface HostTools {
  /** What kind of machine this is, as far as programs can see it. */
  readonly machine: string;
  /** The digest of the bytes of a program as a step would find it; PK6901 when there is none. */
  digest(tool: string, signal: AbortSignal): Promise<Digest>;
}

/** Debian packages of programs whose package has another name. */
const packages: Readonly<Record<string, string>> = {
  ar: 'binutils',
  as: 'binutils',
  awk: 'mawk',
  cc: 'gcc',
  'c++': 'g++',
  debugfs: 'e2fsprogs',
  depmod: 'kmod',
  dtc: 'device-tree-compiler',
  ld: 'binutils',
  mke2fs: 'e2fsprogs',
  'mkfs.erofs': 'erofs-utils',
  'mkfs.ext4': 'e2fsprogs',
  'mkfs.vfat': 'dosfstools',
  mksquashfs: 'squashfs-tools',
  mcopy: 'mtools',
  node: 'nodejs',
  objcopy: 'binutils',
  objdump: 'binutils',
  pip3: 'python3-pip',
  'pkg-config': 'pkgconf',
  'qemu-img': 'qemu-utils',
  'qemu-system-aarch64': 'qemu-system-arm',
  'qemu-system-x86_64': 'qemu-system-x86',
  readelf: 'binutils',
  sgdisk: 'gdisk',
  strip: 'binutils',
  unsquashfs: 'squashfs-tools',
  xz: 'xz-utils',
};

/** The tools of this machine; a file that has not changed since it was read is not read again. */
export function createHostTools(machine: string): HostTools {
  const known = new Map<string, Digest>();
  return {
    machine,
    async digest(tool, signal) {
      const path = await find(tool);
      const { dev, ino, size, mtimeNs, ctimeNs } = await stat(path, { bigint: true });
      const key = `${path}:${dev}:${ino}:${size}:${mtimeNs}:${ctimeNs}`;
      const digest = known.get(key) ?? (await digestOfFile(path, signal));
      known.set(key, digest);
      return digest;
    },
  };
}

/** The file behind a name or absolute path, where the sandbox looks for it; what is not below /usr no step can see. */
async function find(tool: string): Promise<string> {
  const places = tool.startsWith('/') ? [tool] : searchPath.map((folder) => join(folder, tool));
  if (tool === '' || (!tool.startsWith('/') && tool.includes('/'))) {
    throw new PortkitError('PK1003', `The tool ${JSON.stringify(tool)} is neither a name nor an absolute path`);
  }
  for (const place of places) {
    try {
      const path = await realpath(place);
      await access(path, constants.X_OK);
      if (path.startsWith('/usr/') && (await stat(path)).isFile()) return path;
    } catch (error) {
      if (!['ENOENT', 'ENOTDIR', 'EACCES', 'ELOOP'].includes(systemCode(error) ?? '')) throw error;
    }
  }
  const name = tool.slice(tool.lastIndexOf('/') + 1);
  const install = `apt-get install -y ${Object.hasOwn(packages, name) ? packages[name] : name}`;
  throw new PortkitError('PK6901', `The program ${tool} is not installed below /usr`, {
    hint: Object.hasOwn(packages, name) ? install : `Install the package that has it; if it has the same name: ${install}`,
  });
}

async function digestOfFile(path: string, signal: AbortSignal): Promise<Digest> {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(path, { signal })) hash.update(chunk as Uint8Array);
  return digestFromHex(hash.digest('hex'));
}
