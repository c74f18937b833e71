import type { KernelConfig } from './inspect/config.ts';

/** Something that a guest needs of its kernel: one of these options. */
interface Need {
  readonly oneOf: readonly string[];
  readonly why: string;
}

function need(why: string, ...oneOf: readonly string[]): Need {
  return { oneOf, why };
}

/** What every guest with an initrd and a disk needs. */
const everywhere = [
  need('there is no disk', 'VIRTIO_BLK'),
  need('an ext4 root cannot be mounted', 'EXT4_FS'),
  need('an initrd cannot be used', 'BLK_DEV_INITRD'),
  need('/dev stays empty', 'DEVTMPFS'),
  need('there is no tmpfs', 'TMPFS'),
  need('a read-only root cannot have an overlay', 'OVERLAY_FS'),
  need('there is no network', 'VIRTIO_NET'),
  need('there is no vsock to the host', 'VIRTIO_VSOCKETS'),
];

const serial8250 = need('nothing is seen of the boot', 'SERIAL_8250_CONSOLE');
const serialPl011 = need('nothing is seen of the boot', 'SERIAL_AMBA_PL011_CONSOLE', 'VIRTIO_CONSOLE');
const pciDevices = [need('no device is found', 'VIRTIO_PCI'), need('no device is found', 'PCI')];

/** What a machine of a substrate needs besides, by architecture and substrate. */
const besides: Readonly<Record<string, readonly Need[]>> = {
  'x86_64/firecracker': [
    need('no device is found', 'VIRTIO_MMIO', 'VIRTIO_PCI'),
    need('devices are told by ACPI or on the command line', 'ACPI', 'VIRTIO_MMIO_CMDLINE_DEVICES'),
    need('it runs without the clock of KVM', 'KVM_GUEST'),
    serial8250,
  ],
  'aarch64/firecracker': [
    need('no device is found', 'VIRTIO_MMIO', 'VIRTIO_PCI'),
    serial8250,
    need('the serial console is not found', 'SERIAL_OF_PLATFORM'),
    need('there is no clock', 'RTC_DRV_PL031'),
  ],
  'x86_64/cloud-hypervisor': [
    ...pciDevices,
    need('devices are told by ACPI', 'ACPI'),
    need('nothing is seen of the boot', 'SERIAL_8250_CONSOLE', 'VIRTIO_CONSOLE'),
  ],
  'aarch64/cloud-hypervisor': [...pciDevices, serialPl011],
  'x86_64/qemu': [need('no device is found', 'VIRTIO_PCI', 'VIRTIO_MMIO'), serial8250],
  'aarch64/qemu': [need('no device is found', 'VIRTIO_PCI', 'VIRTIO_MMIO'), serialPl011],
  'x86_64/avf': [...pciDevices, need('nothing is seen of the boot', 'VIRTIO_CONSOLE')],
  'aarch64/avf': [
    ...pciDevices,
    need('the PCI bus is not found', 'PCI_HOST_GENERIC'),
    need('nothing is seen of the boot', 'VIRTIO_CONSOLE'),
    need('there is no clock', 'RTC_DRV_PL031'),
  ],
};

/** What the configuration of a kernel lacks on such a machine (`x86_64/firecracker`), as sentences. */
export function lacking(config: KernelConfig, machine: string): readonly string[] {
  return [...everywhere, ...(besides[machine] ?? [])].flatMap(({ oneOf, why }) => {
    const values = oneOf.map((name) => config.get(`CONFIG_${name}`));
    if (values.includes('y')) return [];
    const names = oneOf.map((name) => `CONFIG_${name}`).join(' or ');
    return values.includes('m') ? [`${names} is a module, which the initrd has to load`] : [`${names} is not set: ${why}`];
  });
}
