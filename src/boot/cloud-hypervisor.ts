import { join } from 'node:path';
import { PortkitError } from '../base/errors.ts';
import type { Launch, Machine } from './machine.ts';
import { rootParameters } from './machine.ts';

/** Cloud Hypervisor for a machine, with its console on standard output. It ends when its guest powers off. */
export function cloudHypervisorLaunch(machine: Machine, folder: string): Launch {
  const socket = join(folder, 'vsock.sock');
  const { architecture, kernel, initrd, rootfs, memoryMiB } = machine;
  const console = architecture === 'x86_64' ? 'console=ttyS0' : 'console=ttyAMA0';
  const options = [
    ['--kernel', kernel],
    initrd === undefined ? [] : ['--initramfs', initrd],
    rootfs === undefined ? [] : ['--disk', `path=${plain(rootfs)},readonly=on`],
    ['--cmdline', [console, 'quiet', 'panic=-1', ...rootParameters(machine)].join(' ')],
    ['--cpus', 'boot=1'],
    ['--memory', `size=${memoryMiB}M`],
    ['--serial', 'tty'],
    ['--console', 'off'],
    ['--vsock', `cid=3,socket=${plain(socket)}`],
  ];
  return {
    argv: ['cloud-hypervisor', ...options.flat()],
    files: [],
    channel: { kind: 'vsock', path: socket },
    end: 'power-off',
  };
}

/** Its options have no way to write a comma, a quote or a bracket that every version reads alike. */
function plain(path: string): string {
  if (!/[,"[\]]/.test(path)) return path;
  throw new PortkitError('PK3806', `Cloud Hypervisor cannot be given the path ${JSON.stringify(path)}`, {
    hint: 'Use a path without commas, quotes and brackets',
  });
}
