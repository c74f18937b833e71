import { join } from 'node:path';
import type { Launch, Machine } from './machine.ts';
import { rootParameters } from './machine.ts';

/**
 * Firecracker for a machine: its configuration file (the bodies of its API requests in one object), started without the
 * API. Its guests end with a reboot by the keyboard controller.
 */
export function firecrackerLaunch(machine: Machine, folder: string): Launch {
  const file = join(folder, 'firecracker.json');
  const socket = join(folder, 'vsock.sock');
  const x86 = machine.architecture === 'x86_64';
  const ending = x86 ? ['reboot=k', 'panic=-1', 'pci=off'] : ['panic=-1'];
  const { kernel, initrd, rootfs, memoryMiB } = machine;
  const drive = rootfs !== undefined && {
    drive_id: 'rootfs',
    path_on_host: rootfs,
    is_root_device: initrd === undefined,
    is_read_only: true,
  };
  const configuration = {
    'boot-source': {
      kernel_image_path: kernel,
      boot_args: ['console=ttyS0', 'quiet', ...ending, ...rootParameters(machine)].join(' '),
      ...(initrd !== undefined && { initrd_path: initrd }),
    },
    drives: drive === false ? [] : [drive],
    'machine-config': { vcpu_count: 1, mem_size_mib: memoryMiB },
    vsock: { guest_cid: 3, uds_path: socket },
  };
  return {
    argv: ['firecracker', '--no-api', '--config-file', file],
    files: [{ path: file, text: `${JSON.stringify(configuration, null, 2)}\n` }],
    channel: { kind: 'vsock', path: socket },
    end: 'reboot',
  };
}
