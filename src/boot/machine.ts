/** The processors that images are made for. */
export type Architecture = 'x86_64' | 'aarch64';

/** The programs that can run a machine. */
export type Monitor = 'qemu' | 'firecracker' | 'cloud-hypervisor';

/** What is booted; every path is absolute. */
export interface Machine {
  readonly architecture: Architecture;
  readonly kernel: string;
  readonly initrd?: string;
  /** An ext4 image, which is never written to. */
  readonly rootfs?: string;
  readonly memoryMiB: number;
  /** More words for the kernel's command line. */
  readonly append?: string;
}

/** How the agent is reached: QEMU comes to a socket that we listen on; others take `CONNECT port` on a socket of theirs. */
export type Channel = { readonly kind: 'listen'; readonly path: string } | { readonly kind: 'vsock'; readonly path: string };

/** A monitor to start: everything that is decided before anything runs. */
export interface Launch {
  readonly argv: readonly [program: string, ...args: string[]];
  /** Files that it reads, to be written before. */
  readonly files: readonly { readonly path: string; readonly text: string }[];
  readonly channel: Channel;
  /** The kind of shutdown after which the monitor ends. */
  readonly end: 'power-off' | 'reboot';
}

/** The port of the agent on vsock. */
export const agentPort = 7000;

/** The words of the kernel's command line that are the same for all monitors: the root, and what was asked for. */
export function rootParameters({ initrd, rootfs, append }: Machine): readonly string[] {
  const more = append === undefined ? [] : [append];
  if (rootfs === undefined) return more;
  if (initrd === undefined) return ['root=/dev/vda', 'ro', 'init=/init', ...more];
  return ['port.rootfs_overlay=1', 'port.rootfs_overlay_device=tmpfs', ...more];
}
