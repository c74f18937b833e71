import { open } from 'node:fs/promises';
import { PortkitError } from '../base/errors.ts';
import { systemReason } from '../base/system-reason.ts';
import type { Machine, Monitor } from './machine.ts';

/** Refuses what cannot boot before anything is started: PK3806. */
export async function checkMachine(machine: Machine, monitor: Monitor): Promise<void> {
  const { architecture, kernel, initrd, rootfs } = machine;
  if (initrd === undefined && rootfs === undefined) {
    throw new PortkitError('PK3806', 'There is nothing to boot into', { hint: 'Give --initrd, --rootfs or both' });
  }
  const head = await headOf('kernel', kernel);
  if (initrd !== undefined) await headOf('initrd', initrd);
  if (rootfs !== undefined) await headOf('root file system', rootfs);
  if (monitor === 'firecracker' && architecture === 'x86_64' && head.toString('latin1') !== '\x7fELF') {
    throw new PortkitError('PK3806', `Firecracker takes an uncompressed kernel (ELF), and ${kernel} is none`, {
      hint: 'Give the vmlinux of the kernel',
    });
  }
}

/** The first bytes of a file that has to be there and not empty. */
async function headOf(what: string, path: string): Promise<Buffer> {
  try {
    await using file = await open(path);
    if (!(await file.stat()).isFile()) throw new PortkitError('PK3806', `The ${what} ${path} is no file`);
    const { buffer, bytesRead } = await file.read(Buffer.alloc(4), 0, 4, 0);
    if (bytesRead > 0) return buffer.subarray(0, bytesRead);
  } catch (error) {
    if (error instanceof PortkitError) throw error;
    throw new PortkitError('PK3806', `The ${what} ${path} cannot be read: ${systemReason(error)}`, { cause: error });
  }
  throw new PortkitError('PK3806', `The ${what} ${path} is empty`);
}
