import { expect, test } from 'vitest';
import { parseConfig } from './inspect/config.ts';
import type { Kernel } from './inspect/inspect.ts';
import { fitsOf } from './lanes.ts';

const version = '6.1.155 (builder@host) #1 SMP';
const vmlinux: Kernel = {
  container: 'elf',
  architecture: 'x86_64',
  efiStub: false,
  version,
  core: { container: 'elf', size: 9 },
};
const pvh: Kernel = { ...vmlinux, core: { container: 'elf', size: 9, pvhEntry: 0x1000 } };
const bzImage: Kernel = { ...pvh, container: 'bzimage', compression: 'zstd', efiStub: true };
const image: Kernel = {
  container: 'arm64-image',
  architecture: 'aarch64',
  efiStub: true,
  version,
  core: { container: 'arm64-image', size: 9, pageKiB: 4 },
};
const packed: Kernel = { ...image, container: 'compressed', compression: 'gzip' };

function starters(kernel: Kernel): readonly string[] {
  return fitsOf(kernel).flatMap(({ fits, architecture, substrate, protectionMode }) =>
    fits ? [`${architecture}/${substrate}/${protectionMode}`] : [],
  );
}

function fitOf(kernel: Kernel, lane: string, config?: string) {
  const fit = fitsOf(kernel, config === undefined ? undefined : parseConfig(config)).find(
    ({ architecture, substrate, protectionMode }) => `${architecture}/${substrate}/${protectionMode}` === lane,
  );
  if (fit === undefined) throw new Error(`There is no lane ${lane}`);
  return fit;
}

test.each([
  ['a vmlinux', vmlinux, ['x86_64/firecracker/standard']],
  ['a vmlinux with PVH', pvh, ['x86_64/firecracker/standard', 'x86_64/cloud-hypervisor/standard', 'x86_64/qemu/standard']],
  [
    'a bzImage',
    bzImage,
    ['x86_64/firecracker/standard', 'x86_64/cloud-hypervisor/standard', 'x86_64/qemu/standard', 'x86_64/avf/standard'],
  ],
  [
    'an arm64 Image',
    image,
    ['aarch64/firecracker/standard', 'aarch64/cloud-hypervisor/standard', 'aarch64/qemu/standard', 'aarch64/avf/standard'],
  ],
  ['a packed Image', packed, ['aarch64/qemu/standard']],
  ['an Image in zstd', { ...packed, compression: 'zstd' }, []],
  ['a packed vmlinux', { ...vmlinux, container: 'compressed', compression: 'gzip' }, []],
  ['an arm64 vmlinux', { ...vmlinux, architecture: 'aarch64' }, []],
  ['an EFI zboot program', { ...packed, container: 'efi-zboot' }, ['aarch64/qemu/standard']],
  ['an i386 kernel', { ...pvh, architecture: 'i386' }, []],
  ['an ELF file that is not Linux', { container: 'elf', architecture: 'x86_64', efiStub: false, core: pvh.core }, []],
] as const)('%s fits where its kind is taken', (_, kernel, lanes) => {
  expect(starters(kernel as Kernel)).toEqual(lanes);
});

test('why a kernel does not fit is said', () => {
  expect(fitOf(vmlinux, 'x86_64/cloud-hypervisor/standard').reasons).toEqual([
    'it has no PVH note (CONFIG_PVH), by which cloud-hypervisor starts a vmlinux',
  ]);
  expect(fitOf(vmlinux, 'aarch64/firecracker/standard').reasons).toEqual(['it is for x86_64']);
  expect(fitOf(packed, 'aarch64/avf/standard').reasons).toEqual([
    'it is a compressed file (gzip), and avf takes an arm64 Image there',
  ]);
  expect(fitOf(vmlinux, 'x86_64/avf/standard').reasons).toEqual(['it is an ELF vmlinux, and avf takes a bzImage there']);
  const old: Kernel = { container: 'bzimage', efiStub: false, version, unread: 'too old' };
  expect(fitOf(old, 'x86_64/qemu/standard').reasons).toEqual(['the file does not say for which machine it is']);
});

test('only a kernel that shows PVM_GUEST fits the PVM lane', () => {
  const lane = 'x86_64/firecracker/pvm';
  const core = { container: 'elf', size: 9 } as const;
  expect(fitOf(vmlinux, lane).reasons).toEqual([expect.stringContaining('neither its configuration inside nor symbols')]);
  expect(fitOf({ ...vmlinux, core: { ...core, config: new Map() } }, lane).reasons).toEqual([
    expect.stringContaining('its configuration does not show CONFIG_PVM_GUEST'),
  ]);
  expect(fitOf({ ...vmlinux, core: { ...core, pvmGuest: 'symbols' } }, lane).fits).toBe(true);
});

test('what a configuration lacks is a finding, and no reason', () => {
  const whole = ['VIRTIO_BLK', 'EXT4_FS', 'BLK_DEV_INITRD', 'DEVTMPFS', 'TMPFS', 'OVERLAY_FS', 'VIRTIO_NET', 'VIRTIO_VSOCKETS']
    .concat(['VIRTIO_MMIO', 'ACPI', 'KVM_GUEST', 'SERIAL_8250_CONSOLE'])
    .map((name) => `CONFIG_${name}=y\n`)
    .join('');
  const lane = 'x86_64/firecracker/standard';
  expect(fitOf(vmlinux, lane, whole)).toMatchObject({ fits: true, findings: [] });
  expect(fitOf(vmlinux, lane, whole.replace('EXT4_FS=y', 'EXT4_FS=m').replace('CONFIG_TMPFS=y\n', ''))).toMatchObject({
    fits: true,
    findings: ['CONFIG_EXT4_FS is a module, which the initrd has to load', 'CONFIG_TMPFS is not set: there is no tmpfs'],
  });
  expect(fitOf(vmlinux, lane, whole.replace('CONFIG_VIRTIO_MMIO=y\n', '')).findings).toEqual([
    'CONFIG_VIRTIO_MMIO or CONFIG_VIRTIO_PCI is not set: no device is found',
  ]);
  expect(fitOf(vmlinux, lane).findings).toEqual([]);
  expect(fitOf({ ...vmlinux, core: { container: 'elf', size: 9, config: parseConfig(whole) } }, lane).findings).toEqual([]);
});

test('what else is to know is a finding', () => {
  expect(fitOf(bzImage, 'x86_64/cloud-hypervisor/standard').findings).toEqual([expect.stringContaining('before 2024')]);
  const large: Kernel = { ...image, core: { container: 'arm64-image', size: 9, pageKiB: 64 } };
  expect(fitOf(large, 'aarch64/avf/standard').findings).toEqual([expect.stringContaining('64 KiB')]);
});
