/** What a sandboxed command finds where; every path on the left of a mount is one of the host. */
export interface SandboxPlan {
  readonly root:
    | {
        readonly kind: 'host';
        /** A prepared /etc with mount points. */
        readonly etc: string;
        /** Links of the host's root directory, like `bin` → `usr/bin`. */
        readonly links: readonly { readonly name: string; readonly target: string }[];
      }
    /** A checked-out tree in which the fixed mount points exist. */
    | { readonly kind: 'tree'; readonly path: string };
  readonly inputs: readonly { readonly name: string; readonly path: string }[];
  readonly out: string;
  readonly temporary: string;
  readonly caches: readonly { readonly path: string; readonly to: string }[];
  /** Files whose bytes come from a descriptor and live in memory. */
  readonly secrets: readonly { readonly descriptor: number; readonly to: string }[];
  readonly env: Readonly<Record<string, string>>;
  readonly cwd: string;
  readonly network: boolean;
  readonly filter: { readonly descriptor: number };
  readonly status: { readonly descriptor: number };
}

/** Who the command sees itself as, on every machine alike. */
const inside = { uid: 1000, gid: 1000 };
/** Bytes that files in memory (/dev/shm, /run, /in) may have. */
const memoryFiles = 1 << 30;
/** Directories that every root has, as the places of mounts. */
export const mountPoints = ['proc', 'dev', 'tmp', 'run', 'in', 'out'] as const;

/** Where a command's programs are looked for. */
export const searchPath: readonly string[] = ['/usr/local/bin', '/usr/bin', '/bin', '/usr/sbin', '/sbin'];

/** What every command is told; a step's own variables come after these. */
const environment: Readonly<Record<string, string>> = {
  PATH: searchPath.join(':'),
  HOME: '/tmp',
  LC_ALL: 'C',
  TZ: 'UTC',
  // Not 0, which some programs take for "not set".
  SOURCE_DATE_EPOCH: '1',
};

/**
 * The arguments of bwrap, without program and command. All namespaces are new, no capability is left, nothing of the host is
 * writable but /out, /tmp and the caches, and the command dies with whoever started it.
 */
export function sandboxArguments(plan: SandboxPlan): readonly string[] {
  return [
    ['--unshare-user', '--unshare-ipc', '--unshare-pid', '--unshare-uts', '--unshare-cgroup-try'],
    plan.network ? [] : ['--unshare-net'],
    ['--uid', String(inside.uid), '--gid', String(inside.gid), '--hostname', 'build'],
    ['--cap-drop', 'ALL', '--new-session', '--die-with-parent'],
    ['--seccomp', String(plan.filter.descriptor), '--json-status-fd', String(plan.status.descriptor)],
    rootMounts(plan),
    kernelMounts,
    ['--bind', plan.temporary, '/tmp', ...memory('/run', '0755'), ...memory('/in', '0755')],
    plan.inputs.flatMap(({ name, path }) => ['--ro-bind', path, `/in/${name}`]),
    ['--remount-ro', '/in', '--bind', plan.out, '/out'],
    plan.caches.flatMap(({ path, to }) => ['--bind', path, to]),
    plan.secrets.flatMap(({ descriptor, to }) => ['--perms', '0400', '--ro-bind-data', String(descriptor), to]),
    ['--remount-ro', '/run', ...(plan.root.kind === 'host' ? ['--remount-ro', '/'] : [])],
    ['--clearenv', ...Object.entries({ ...environment, ...plan.env }).flatMap(([name, value]) => ['--setenv', name, value])],
    ['--chdir', plan.cwd],
  ].flat();
}

function rootMounts({ root, network }: SandboxPlan): readonly string[] {
  if (root.kind === 'tree') return ['--ro-bind', root.path, '/'];
  const fromHost = ['/etc/alternatives', '/etc/ld.so.cache', ...(network ? ['/etc/hosts', '/etc/resolv.conf', '/etc/ssl'] : [])];
  return [
    ['--ro-bind', '/usr', '/usr'],
    root.links.flatMap(({ name, target }) => ['--symlink', target, `/${name}`]),
    ['--ro-bind', root.etc, '/etc'],
    fromHost.flatMap((path) => ['--ro-bind-try', path, path]),
    ['--dir', '/var', '--symlink', '../tmp', '/var/tmp'],
  ].flat();
}

/** A new /proc without the keyrings and command line of the host's kernel, and a /dev of harmless devices. */
const kernelMounts: readonly string[] = [
  ['--proc', '/proc', '--ro-bind', '/proc/sys', '/proc/sys'],
  ['/proc/keys', '/proc/key-users', '/proc/cmdline'].flatMap((path) => ['--ro-bind-try', '/dev/null', path]),
  ['--dev', '/dev', ...memory('/dev/shm', '1777'), '--remount-ro', '/dev'],
].flat();

function memory(path: string, mode: string): readonly string[] {
  return ['--perms', mode, '--size', String(memoryFiles), '--tmpfs', path];
}
