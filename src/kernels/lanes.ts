import type { Container } from './inspect/header.ts';
import type { KernelConfig } from './inspect/config.ts';
import type { Kernel } from './inspect/inspect.ts';
import { lacking } from './options.ts';

/** What a guest runs on: a machine, the program that makes it, and whether the kernel is protected. */
interface Lane {
  readonly architecture: 'x86_64' | 'aarch64';
  readonly substrate: 'firecracker' | 'cloud-hypervisor' | 'qemu' | 'avf';
  readonly protectionMode: 'standard' | 'pvm';
}

/** Whether a lane can start a kernel. */
export interface Fit extends Lane {
  readonly fits: boolean;
  /** Why it cannot. */
  readonly reasons: readonly string[];
  /** What will be missing, as far as the kernel says how it was built, and what to know. */
  readonly findings: readonly string[];
}

const substrates = ['firecracker', 'cloud-hypervisor', 'qemu', 'avf'] as const;

/** Every lane there is: PVM exists for Firecracker on x86_64 only. */
const lanes: readonly Lane[] = [
  ...(['x86_64', 'aarch64'] as const).flatMap((architecture) =>
    substrates.map((substrate) => ({ architecture, substrate, protectionMode: 'standard' as const })),
  ),
  { architecture: 'x86_64', substrate: 'firecracker', protectionMode: 'pvm' },
];

/** The files each loader takes: Firecracker's and Cloud Hypervisor's documentation, QEMU's -kernel, VZLinuxBootLoader. */
const accepted: Readonly<Record<string, readonly Container[]>> = {
  'x86_64/firecracker': ['elf', 'bzimage'],
  'x86_64/cloud-hypervisor': ['elf', 'bzimage'],
  'x86_64/qemu': ['elf', 'bzimage'],
  'x86_64/avf': ['bzimage'],
  'aarch64/firecracker': ['arm64-image'],
  'aarch64/cloud-hypervisor': ['arm64-image'],
  'aarch64/qemu': ['arm64-image', 'compressed', 'efi-zboot'],
  'aarch64/avf': ['arm64-image'],
};

/** How people call the kinds of file. */
export const containerNames: Readonly<Record<Container, string>> = {
  bzimage: 'a bzImage',
  'efi-zboot': 'an EFI zboot program',
  elf: 'an ELF vmlinux',
  'arm64-image': 'an arm64 Image',
  compressed: 'a compressed file',
};

/** Which lanes can start a kernel, and why the others cannot; what it was built with may be known from elsewhere. */
export function fitsOf(kernel: Kernel, config: KernelConfig | undefined = kernel.core?.config): readonly Fit[] {
  return lanes.map((lane) => {
    const reasons = [...wrongMachine(kernel, lane), ...wrongContainer(kernel, lane), ...notShown(kernel, lane)];
    return {
      ...lane,
      fits: reasons.length === 0,
      reasons,
      findings: reasons.length === 0 ? [...known(kernel, lane), ...lacks(lane, config)] : [],
    };
  });
}

function wrongMachine({ architecture }: Kernel, lane: Lane): readonly string[] {
  if (architecture === lane.architecture) return [];
  return [architecture === undefined ? 'the file does not say for which machine it is' : `it is for ${architecture}`];
}

function wrongContainer(kernel: Kernel, { architecture, substrate }: Lane): readonly string[] {
  if (kernel.architecture !== architecture) return [];
  const takes = accepted[`${architecture}/${substrate}`] ?? [];
  const isPacked = kernel.container === 'compressed' || kernel.container === 'efi-zboot';
  const what = `${containerNames[kernel.container]}${isPacked ? ` (${kernel.compression})` : ''}`;
  // QEMU unpacks Images by itself, from gzip.
  const isTaken = takes.includes(kernel.container) && (!isPacked || (kernel.compression === 'gzip' && holdsImage(kernel)));
  if (!isTaken) {
    const names = takes.map((container) => containerNames[container]).slice(0, isPacked ? 1 : 2);
    return [`it is ${what}, and ${substrate} takes ${names.join(' or ')} there`];
  }
  const needsPvh = architecture === 'x86_64' && (substrate === 'cloud-hypervisor' || substrate === 'qemu');
  if (!needsPvh || kernel.container !== 'elf' || kernel.core?.pvhEntry !== undefined) return [];
  return [`it has no PVH note (CONFIG_PVH), by which ${substrate} starts a vmlinux`];
}

function holdsImage({ container, core }: Kernel): boolean {
  return container === 'efi-zboot' || core?.container === 'arm64-image';
}

function notShown({ version, core }: Kernel, { architecture, protectionMode }: Lane): readonly string[] {
  const unnamed = version === undefined ? ['it has no text "Linux version", so it is not known to be Linux'] : [];
  if (protectionMode !== 'pvm' || core?.pvmGuest !== undefined) return unnamed;
  const config =
    core?.config === undefined ? 'it has neither its configuration inside nor symbols that' : 'its configuration does not';
  return [...unnamed, `${config} show CONFIG_PVM_GUEST, without which it is no PVM kernel for ${architecture}`];
}

function known({ container, core }: Kernel, { substrate }: Lane): readonly string[] {
  const old = substrate === 'cloud-hypervisor' && container === 'bzimage';
  const large = substrate === 'avf' && core?.pageKiB !== undefined && core.pageKiB !== 4;
  return [
    ...(old ? ['releases of cloud-hypervisor before 2024 take no bzImage, only a vmlinux with a PVH note'] : []),
    ...(large ? [`its pages have ${core.pageKiB} KiB; avf is known to work with 4`] : []),
  ];
}

function lacks({ architecture, substrate }: Lane, config: KernelConfig | undefined): readonly string[] {
  return config === undefined ? [] : lacking(config, `${architecture}/${substrate}`);
}
