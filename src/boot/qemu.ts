import { join } from 'node:path';
import type { Architecture, Launch, Machine } from './machine.ts';
import { rootParameters } from './machine.ts';

/** What runs the guest's instructions: the processor (`kvm`) or a translation (`tcg`). */
export type Accelerator = 'kvm' | 'tcg';

/** The program of QEMU for an architecture. */
export function qemuProgram(architecture: Architecture): string {
  return `qemu-system-${architecture}`;
}

/**
 * The board and processor. Under TCG these are the quick ones: without devices that nobody looks at, and for the kernel
 * without calibration, tests of itself and mitigations, none of which an emulated processor needs.
 */
const boards = {
  x86_64: {
    kvm: { board: 'q35', cpu: 'host', kernel: 'console=ttyS0' },
    tcg: {
      board: 'q35,hpet=off,smbus=off,sata=off,usb=off',
      cpu: 'qemu64',
      kernel: 'console=ttyS0 mitigations=off tsc=reliable lpj=4000000 nokaslr no_timer_check cryptomgr.notests=1',
    },
  },
  aarch64: {
    kvm: { board: 'virt,gic-version=host', cpu: 'host', kernel: 'console=ttyAMA0' },
    tcg: {
      board: 'virt,gic-version=3',
      cpu: 'cortex-a57',
      kernel: 'console=ttyAMA0 mitigations=off nokaslr cryptomgr.notests=1',
    },
  },
};

/** QEMU for a machine, with its console on standard output and the agent's port on a socket in `folder`. */
export function qemuLaunch(machine: Machine, { accelerator, folder }: { accelerator: Accelerator; folder: string }): Launch {
  const socket = join(folder, 'agent.sock');
  const agent = [
    ['-device', 'virtio-serial-pci'],
    ['-chardev', `socket,id=agent,path=${quoted(socket)}`],
    ['-device', 'virtserialport,chardev=agent,name=org.portkit.agent.0'],
  ].flat();
  const disk = machine.rootfs === undefined ? [] : disksOf(machine.rootfs);
  return {
    argv: [...board(machine, accelerator), ...kernelOf(machine, accelerator), ...disk, ...agent],
    files: [],
    channel: { kind: 'listen', path: socket },
    // `-no-reboot` makes an end of it, also of a panic, and needs no power management in the kernel.
    end: 'reboot',
  };
}

/** QEMU with KVM and nothing but a kernel: one that works under KVM ends in a panic for want of a root. */
export function kvmProbeArguments({ architecture, kernel, memoryMiB }: Machine): Launch['argv'] {
  const bare = { architecture, kernel, memoryMiB };
  return [...board(bare, 'kvm'), ...kernelOf(bare, 'kvm')];
}

function board({ architecture, memoryMiB }: Machine, accelerator: Accelerator): Launch['argv'] {
  const { board, cpu } = boards[architecture][accelerator];
  const options = [
    ['-M', board],
    ['-accel', accelerator],
    ['-cpu', cpu],
    ['-smp', '1'],
    ['-m', String(memoryMiB)],
    ['-nodefaults', '-no-user-config', '-no-reboot'],
    ['-display', 'none'],
    // What breaks out of the guest starts no programs and changes no users.
    ['-sandbox', 'on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny'],
    ['-chardev', 'stdio,id=console,signal=off'],
    ['-serial', 'chardev:console'],
  ];
  return [qemuProgram(architecture), ...options.flat()];
}

function kernelOf(machine: Machine, accelerator: Accelerator): readonly string[] {
  const { architecture, kernel, initrd } = machine;
  const ending = architecture === 'x86_64' ? ['quiet', 'panic=-1', 'reboot=t'] : ['quiet', 'panic=-1'];
  const line = [boards[architecture][accelerator].kernel, ...ending, ...rootParameters(machine)].join(' ');
  return [['-kernel', kernel], initrd === undefined ? [] : ['-initrd', initrd], ['-append', line]].flat();
}

function disksOf(rootfs: string): readonly string[] {
  const drive = `file=${quoted(rootfs)},format=raw,if=none,id=root,readonly=on`;
  return ['-drive', drive, '-device', 'virtio-blk-pci,drive=root'];
}

/** In values of QEMU's options, a comma is written twice. */
function quoted(path: string): string {
  return path.replaceAll(',', ',,');
}
