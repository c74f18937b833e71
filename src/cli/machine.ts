import { findProgram } from '../base/find-program.ts';

/** One thing `portkit doctor` looked at. */
export interface Check {
  readonly name: string;
  readonly ok: boolean;
  readonly detail: string;
  readonly help?: string;
  /** Nothing portkit does today stops without it. */
  readonly optional?: boolean;
}

/** What is looked at, as the process sees it. */
export interface Machine {
  readonly platform: string;
  readonly arch: string;
  readonly node: string;
  /** The folders of programs, as in PATH. */
  readonly path: string;
  /** The same with those that only root has in its PATH. */
  readonly judgesPath: string;
}

interface Tool {
  readonly command: string;
  readonly debian: string;
  readonly use: string;
  /** It is looked for where only root looks, too. */
  readonly judge?: true;
}

const optionalTools: readonly Tool[] = [
  { command: 'cc', debian: 'gcc libc6-dev', use: 'compiles the guest agent of the examples' },
  { command: 'git', debian: 'git', use: 'fetches sources from git repositories' },
  { command: 'apt-get', debian: 'apt', use: 'fetches Debian packages' },
  { command: 'xz', debian: 'xz-utils', use: 'packs and unpacks .xz archives' },
  { command: 'lz4', debian: 'lz4', use: 'packs initrds with lz4' },
  { command: 'mksquashfs', debian: 'squashfs-tools', use: 'makes squashfs images' },
  { command: 'mkfs.erofs', debian: 'erofs-utils', use: 'makes erofs images' },
  { command: 'mformat', debian: 'mtools', use: 'makes vfat images, such as EFI system partitions' },
  { command: 'qemu-img', debian: 'qemu-utils', use: 'converts disks to qcow2' },
  { command: 'xorriso', debian: 'xorriso', use: 'makes ISO images' },
  { command: 'getfattr', debian: 'attr', use: 'reads extended attributes for "portkit image --xattrs"' },
  {
    command: 'e2fsck',
    debian: 'e2fsprogs',
    use: 'looks at guest images a second time in "portkit artifacts validate"',
    judge: true,
  },
];

/** By the processor of the machine, as Node calls it. */
const virtualMachines: Readonly<Record<string, { readonly command: string; readonly debian: string }>> = {
  x64: { command: 'qemu-system-x86_64', debian: 'qemu-system-x86' },
  arm64: { command: 'qemu-system-aarch64', debian: 'qemu-system-arm' },
};

/** Checks the platform and the programs; it installs nothing. */
export function checkMachine(machine: Machine): readonly Check[] {
  const vm = virtualMachines[machine.arch];
  const tools = vm === undefined ? optionalTools : [...optionalTools, { ...vm, use: 'boots what was built' }];
  return [
    platformCheck(machine),
    nodeCheck(machine.node),
    toolCheck('bwrap', machine.path),
    ...tools.map(({ command, debian, use, judge }): Check => {
      const found = findProgram(command, judge === true ? machine.judgesPath : machine.path);
      const detail = found ?? `optional, missing: apt install ${debian}`;
      return { name: command, ok: found !== undefined, detail: `${detail} (${use})`, optional: true };
    }),
  ];
}

function platformCheck({ platform, arch }: Machine): Check {
  const ok = platform === 'linux' && (arch === 'x64' || arch === 'arm64');
  const help = 'Use Linux on x64 or arm64; elsewhere, run portkit in a virtual machine with Linux';
  return { name: 'platform', ok, detail: `${platform} ${arch} (Linux on x64 or arm64 is needed)`, help };
}

function nodeCheck(version: string): Check {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  const ok = major > 24 || (major === 24 && minor >= 15);
  return { name: 'node', ok, detail: `${version} (24.15 or newer is needed)`, help: 'Install Node 24 LTS, or set PORTKIT_NODE' };
}

function toolCheck(command: string, path: string): Check {
  const found = findProgram(command, path);
  return { name: command, ok: found !== undefined, detail: found ?? 'is not installed', help: 'apt install bubblewrap' };
}
