import { expect, test } from 'vitest';
import { cloudHypervisorLaunch } from '../../src/boot/cloud-hypervisor.ts';
import { firecrackerLaunch } from '../../src/boot/firecracker.ts';
import type { Machine } from '../../src/boot/machine.ts';
import { kvmProbeArguments, qemuLaunch } from '../../src/boot/qemu.ts';

const machine: Machine = { architecture: 'x86_64', kernel: '/k/vmlinuz', initrd: '/k/initrd', memoryMiB: 512 };
const withDisk: Machine = { architecture: 'aarch64', kernel: '/k/Image', rootfs: '/k/a,b.ext4', memoryMiB: 256 };
const both: Machine = { ...machine, rootfs: '/k/rootfs.ext4' };
const ended = [
  ...'-nodefaults -no-user-config -no-reboot -display none'.split(' '),
  ...'-sandbox on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny'.split(' '),
  ...'-chardev stdio,id=console,signal=off -serial chardev:console'.split(' '),
];
const port = [
  ...'-device virtio-serial-pci -chardev socket,id=agent,path=/t/agent.sock'.split(' '),
  ...'-device virtserialport,chardev=agent,name=org.portkit.agent.0'.split(' '),
];

test('qemu under TCG has the quick board and a kernel that calibrates nothing', () => {
  expect(qemuLaunch(machine, { accelerator: 'tcg', folder: '/t' })).toEqual({
    argv: [
      ...'qemu-system-x86_64 -M q35,hpet=off,smbus=off,sata=off,usb=off -accel tcg -cpu qemu64 -smp 1 -m 512'.split(' '),
      ...ended,
      ...'-kernel /k/vmlinuz -initrd /k/initrd -append'.split(' '),
      'console=ttyS0 mitigations=off tsc=reliable lpj=4000000 nokaslr no_timer_check cryptomgr.notests=1 quiet panic=-1 reboot=t',
      ...port,
    ],
    files: [],
    channel: { kind: 'listen', path: '/t/agent.sock' },
    end: 'reboot',
  });
});

test('qemu for aarch64 with a root and no initrd; commas in paths are doubled', () => {
  expect(qemuLaunch(withDisk, { accelerator: 'tcg', folder: '/t' }).argv).toEqual([
    ...'qemu-system-aarch64 -M virt,gic-version=3 -accel tcg -cpu cortex-a57 -smp 1 -m 256'.split(' '),
    ...ended,
    '-kernel',
    '/k/Image',
    '-append',
    'console=ttyAMA0 mitigations=off nokaslr cryptomgr.notests=1 quiet panic=-1 root=/dev/vda ro init=/init',
    ...'-drive file=/k/a,,b.ext4,format=raw,if=none,id=root,readonly=on -device virtio-blk-pci,drive=root'.split(' '),
    ...port,
  ]);
});

test('qemu with KVM trusts the processor; the try with KVM has neither root nor agent', () => {
  const { argv } = qemuLaunch(both, { accelerator: 'kvm', folder: '/t' });
  expect(argv.slice(1, 7)).toEqual(['-M', 'q35', '-accel', 'kvm', '-cpu', 'host']);
  expect(argv[argv.indexOf('-append') + 1]).toBe(
    'console=ttyS0 quiet panic=-1 reboot=t port.rootfs_overlay=1 port.rootfs_overlay_device=tmpfs',
  );
  expect(kvmProbeArguments(both)).toEqual([
    ...'qemu-system-x86_64 -M q35 -accel kvm -cpu host -smp 1 -m 512'.split(' '),
    ...ended,
    ...'-kernel /k/vmlinuz -append'.split(' '),
    'console=ttyS0 quiet panic=-1 reboot=t',
  ]);
});

/** The keys of Firecracker's configuration file that this machine needs: docs/getting-started.md and its API description. */
test('firecracker reads one file', () => {
  const { files, ...launch } = firecrackerLaunch({ ...both, kernel: '/k/vmlinux' }, '/t');
  expect(launch).toEqual({
    argv: ['firecracker', '--no-api', '--config-file', '/t/firecracker.json'],
    channel: { kind: 'vsock', path: '/t/vsock.sock' },
    end: 'reboot',
  });
  expect(files.map(({ path }) => path)).toEqual(['/t/firecracker.json']);
  expect(JSON.parse(files[0]?.text ?? '')).toEqual({
    'boot-source': {
      kernel_image_path: '/k/vmlinux',
      boot_args: 'console=ttyS0 quiet reboot=k panic=-1 pci=off port.rootfs_overlay=1 port.rootfs_overlay_device=tmpfs',
      initrd_path: '/k/initrd',
    },
    drives: [{ drive_id: 'rootfs', path_on_host: '/k/rootfs.ext4', is_root_device: false, is_read_only: true }],
    'machine-config': { vcpu_count: 1, mem_size_mib: 512 },
    vsock: { guest_cid: 3, uds_path: '/t/vsock.sock' },
  });
  const plain = JSON.parse(firecrackerLaunch(withDisk, '/t').files[0]?.text ?? '') as object;
  expect(plain).toMatchObject({
    'boot-source': { boot_args: 'console=ttyS0 quiet panic=-1 root=/dev/vda ro init=/init' },
    drives: [{ is_root_device: true }],
  });
  expect(plain).not.toHaveProperty('boot-source.initrd_path');
});

test('cloud hypervisor takes everything as options', () => {
  expect(cloudHypervisorLaunch(both, '/t')).toEqual({
    argv: [
      ...'cloud-hypervisor --kernel /k/vmlinuz --initramfs /k/initrd --disk path=/k/rootfs.ext4,readonly=on'.split(' '),
      '--cmdline',
      'console=ttyS0 quiet panic=-1 port.rootfs_overlay=1 port.rootfs_overlay_device=tmpfs',
      ...'--cpus boot=1 --memory size=512M --serial tty --console off --vsock cid=3,socket=/t/vsock.sock'.split(' '),
    ],
    files: [],
    channel: { kind: 'vsock', path: '/t/vsock.sock' },
    end: 'power-off',
  });
  expect(() => cloudHypervisorLaunch(withDisk, '/t')).toThrow(expect.objectContaining({ code: 'PK3806' }));
});
