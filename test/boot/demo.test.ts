import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { findProgram } from '../../src/base/find-program.ts';
import { noCompiler } from './agent-program.ts';
import { archiveOf, findKernel, moduleFiles } from './guest-image.ts';

const path = process.env['PATH'] ?? '';
const folder = mkdtempSync(join(tmpdir(), 'portkit-demo-'));
afterAll(() => rmSync(folder, { recursive: true }));
// Paths of artifacts start where portkit is run; the demo needs itself and the agent there.
for (const name of ['examples/port.toml', 'examples/port.lock', 'examples/port', 'guest-agent'])
  cpSync(name, join(folder, name), { recursive: true });

const own = { x86_64: process.arch === 'x64', aarch64: process.arch === 'arm64' };
const machines = {
  x86_64: findKernel(process.env['PORTKIT_TEST_KERNEL'], ['build/kernels/amd64/boot', ...(own.x86_64 ? ['/boot'] : [])]),
  aarch64: findKernel(process.env['PORTKIT_TEST_KERNEL_AARCH64'], [
    'build/kernels/arm64/boot',
    ...(own.aarch64 ? ['/boot'] : []),
  ]),
} as const;

function portkit(...args: readonly string[]) {
  return spawnSync('sh', [join(process.cwd(), 'bin/portkit'), ...args], {
    encoding: 'utf8',
    cwd: folder,
    env: { PATH: path, HOME: folder, PORTKIT_ROOT: join(folder, 'store') },
  });
}

function sha256(bytes: string | Buffer): string {
  return createHash('sha256').update(bytes).digest('hex');
}

/** Why no guest of this architecture can be built and booted here, or undefined. */
function hindrance(architecture: keyof typeof machines): string | undefined {
  if (findProgram(`qemu-system-${architecture}`, path) === undefined) return `there is no qemu-system-${architecture}`;
  if (machines[architecture] === undefined) return 'there is no kernel (scripts/test-kernels.sh fetches one)';
  return noCompiler('release', `${architecture}-linux-gnu-gcc`);
}

interface Guest {
  readonly architecture: keyof typeof machines;
  readonly mode: 'standard' | 'pvm';
  readonly busybox: 'host' | 'package' | 'none';
}

function artifacts(verb: string, { architecture, mode, busybox }: Guest) {
  const selector = ['--architecture', architecture.replace('_', '-'), '--protection-mode', mode];
  const chosen = ['--set', `busybox=${busybox}`, '--artifact', 'demo-guest', ...selector];
  return portkit('--config', 'examples/port.toml', 'artifacts', verb, ...chosen);
}

/** Boots a guest that was built: its own initrd and image, which keeps its bytes. Answers what was on the console. */
function boot({ architecture, mode, busybox }: Guest): string {
  const kernel = machines[architecture];
  if (kernel === undefined) throw new Error('There is no kernel');
  const place = join(folder, 'artifacts/guest/demo', architecture, 'firecracker', mode);
  // The demo's own kernels have everything built in; the kernel of the test brings its modules, as one more archive.
  const initrd = join(place, 'with-modules');
  writeFileSync(initrd, Buffer.concat([readFileSync(join(place, 'initrd.cpio.gz')), archiveOf(moduleFiles(kernel))]));
  const [rootfs, log] = [join(place, 'rootfs.ext4'), join(place, 'console')];
  const before = sha256(readFileSync(rootfs));
  const inside = [
    `/etc/port-protection-mode=${sha256(`${mode}\n`)}`,
    `/etc/port-guest-architecture=${sha256(`${architecture}\n`)}`,
    ...(busybox === 'none' ? [] : [`/init=${sha256(readFileSync('examples/port/init'))}`]),
  ];
  const booted = portkit(
    'boot',
    '--json',
    '--vmm=qemu',
    `--architecture=${architecture.replace('_', '-')}`,
    `--console=${log}`,
    `--kernel=${resolve(kernel.path)}`,
    `--initrd=${initrd}`,
    `--rootfs=${rootfs}`,
    ...inside.map((one) => `--expect=${one}`),
  );
  expect(booted).toMatchObject({ status: 0, stderr: '' });
  expect(JSON.parse(booted.stdout)).toMatchObject({ guest: { machine: architecture } });
  expect(sha256(readFileSync(rootfs))).toBe(before);
  return readFileSync(log, 'utf8');
}

const limit = { timeout: 150_000 };
const guests: readonly Guest[] = [
  { architecture: 'x86_64', mode: 'pvm', busybox: 'none' },
  { architecture: 'aarch64', mode: 'standard', busybox: 'none' },
];

describe('a guest of the demo is built, validated and booted', () => {
  test('with BusyBox: the initrd, the image under a layer, the script, the agent', limit, ({ skip }) => {
    const lacking = hindrance('x86_64');
    skip(lacking !== undefined, lacking);
    const host: Guest = { architecture: 'x86_64', mode: 'standard', busybox: 'host' };
    const isHosted = own.x86_64 && artifacts('build', host).status === 0;
    const guest: Guest = isHosted ? host : { ...host, busybox: 'package' };
    const built = artifacts('build', guest);
    skip(/PK320[123]/.test(built.stderr), 'there is no static busybox here, and no Debian mirror that has the one of the lock');
    expect(built).toMatchObject({ status: 0 });
    expect(artifacts('validate', guest)).toMatchObject({ status: 0 });
    const console = boot(guest);
    expect(console).toContain('init: starting port-guest-agent on vsock port 7000');
    expect(console).not.toMatch(/mount:|not found|started again/);
  });

  test.for(guests)('without BusyBox the agent is the init: $architecture, $mode', limit, (guest, { skip }) => {
    const lacking = hindrance(guest.architecture);
    skip(lacking !== undefined, lacking);
    expect(artifacts('build', guest)).toMatchObject({ status: 0 });
    expect(artifacts('validate', guest)).toMatchObject({ status: 0 });
    expect(boot(guest)).toContain('guest-agent: ready');
  });
});
