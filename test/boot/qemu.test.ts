import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import {
  copyFileSync,
  existsSync,
  globSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { findProgram } from '../../src/base/find-program.ts';
import { compileAgent, noCompiler } from './agent-program.ts';
import { fillRoot, findKernel, initrdOf, moduleFiles, writeFiles } from './guest-image.ts';
import type { TestKernel } from './guest-image.ts';

const path = process.env['PATH'] ?? '';
const folder = mkdtempSync(join(tmpdir(), 'portkit-qemu-'));
afterAll(() => rmSync(folder, { recursive: true }));

const machines = {
  x86_64: {
    kernel: findKernel(process.env['PORTKIT_TEST_KERNEL'], [
      'build/kernels/amd64/boot',
      ...(process.arch === 'x64' ? ['/boot'] : []),
    ]),
    variable: 'PORTKIT_TEST_KERNEL',
    compiler: process.arch === 'x64' ? 'cc' : 'x86_64-linux-gnu-gcc',
  },
  aarch64: {
    kernel: findKernel(process.env['PORTKIT_TEST_KERNEL_AARCH64'], [
      'build/kernels/arm64/boot',
      ...(process.arch === 'arm64' ? ['/boot'] : []),
    ]),
    variable: 'PORTKIT_TEST_KERNEL_AARCH64',
    compiler: process.arch === 'arm64' ? 'cc' : 'aarch64-linux-gnu-gcc',
  },
} as const;

/** Why a machine of this kind cannot be booted here, or undefined. */
function missing(name: keyof typeof machines): string | undefined {
  const { kernel, variable, compiler } = machines[name];
  if (findProgram(`qemu-system-${name}`, path) === undefined) return `there is no qemu-system-${name}`;
  if (kernel === undefined) return `there is no kernel (scripts/test-kernels.sh fetches one, ${variable}=FILE names one)`;
  return noCompiler('release', compiler);
}

async function boot(consoleFile: string, ...args: readonly string[]) {
  const argv = ['src/cli/main.ts', 'boot', '--json', '--console', consoleFile, ...args];
  const child = spawn(process.execPath, argv, { stdio: ['ignore', 'pipe', 'pipe'] });
  const [stdout, stderr, [status]] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'exit')]);
  return { stdout, stderr, status: status as number | null };
}

const limit = { timeout: 150_000 };
describe.each(['x86_64', 'aarch64'] as const)('%s', (name) => {
  const { kernel, compiler } = machines[name];
  const lacking = missing(name);
  if (lacking === undefined && kernel !== undefined) bootTests(name, kernel, compiler);
  else test('boots', ({ skip }) => skip(lacking));
});

function bootTests(name: keyof typeof machines, kernel: TestKernel, compiler: string): void {
  const own = join(folder, name);
  const initrd = join(own, 'initrd');
  const log = join(own, 'console.log');
  const common = ['--architecture', name, '--vmm', 'qemu', '--kernel', kernel.path];
  let agent: Buffer;
  beforeAll(() => {
    mkdirSync(own);
    agent = readFileSync(compileAgent(own, 'release', { compiler }));
    writeFileSync(initrd, initrdOf(agent, moduleFiles(kernel)));
  });

  test('an initrd with the agent as /init', limit, async () => {
    const sha256 = createHash('sha256').update(agent).digest('hex');
    const { status, stdout, stderr } = await boot(log, ...common, '--initrd', initrd, '--expect', `/init=${sha256}`);
    expect(stderr).toBe('');
    expect(status).toBe(0);
    const report = JSON.parse(stdout) as object;
    console.log(`${name}, initrd: ${JSON.stringify({ ...report, guest: undefined, files: undefined })}`);
    expect(report).toMatchObject({ guest: { machine: name, cpus: 1 }, files: [{ path: '/init', size: agent.length, sha256 }] });
    expect(readFileSync(log, 'utf8')).toContain('guest-agent: ready');
  });

  // Every architecture unpacks with the same code, and one boot takes seconds.
  const packings = name === 'x86_64' ? (['none', 'gzip', 'zstd', 'xz', 'lz4'] as const) : [];
  test.for(packings)('an initrd that we packed: %s', limit, async (packing, { skip }) => {
    const lacks = notUnpacked(kernel, packing);
    if (lacks !== undefined) skip(lacks);
    const root = join(own, 'packed-root');
    writeFiles(root, [
      { path: 'init', mode: 0o100755, bytes: agent },
      ...moduleFiles(kernel),
      { path: 'large', mode: 0o100644, bytes: large },
    ]);
    const packed = join(own, `initrd.${packing}`);
    const made = spawnSync(process.execPath, ['src/cli/main.ts', 'image', 'cpio', root, '-o', packed, '--compress', packing]);
    expect(made.status).toBe(0);
    const sha256 = createHash('sha256').update(large).digest('hex');
    const { status, stderr } = await boot(log, ...common, '--initrd', packed, '--expect', `/large=${sha256}`);
    expect(stderr).toBe('');
    expect(status).toBe(0);
  });

  test('an /init that is no program: a panic, and an end', limit, async () => {
    const broken = join(own, 'broken');
    writeFileSync(broken, initrdOf(Buffer.from('\x7fELF, and no more')));
    const { status, stderr } = await boot(log, ...common, '--initrd', broken);
    expect(stderr).toContain('PK3802');
    expect(stderr).toContain('Kernel panic');
    expect(status).toBe(7);
  });

  test('a machine that is given too little time is gone with everything', limit, async () => {
    const { status, stderr } = await boot(log, ...common, '--initrd', initrd, '--timeout', '1s');
    expect(stderr).toContain('PK3801');
    expect(status).toBe(1);
    expect(commandLines().filter((line) => line.includes(initrd))).toEqual([]);
  });

  test('as a step of a build: passes once, is known then, and fails with another initrd', limit, () => {
    const home = join(own, 'step');
    mkdirSync(home);
    copyFileSync(kernel.path, join(home, 'kernel'));
    copyFileSync(initrd, join(home, 'initrd'));
    const sha256 = createHash('sha256').update(agent).digest('hex');
    writeFileSync(join(home, 'portkit.toml'), definition(kernel, sha256));
    expect(build(home)).toMatchObject({ status: 0 });
    const logs = globSync(join(home, 'store/**/booted.log')).map((file) => readFileSync(file, 'utf8'));
    expect(logs).toEqual([expect.stringContaining('guest-agent: ready')]);
    expect(build(home, '--expect-cached')).toMatchObject({ status: 0 });
    const out = join(home, 'out');
    expect(build(home, '--output', out)).toMatchObject({ status: 0 });
    expect(JSON.parse(readFileSync(join(out, 'booted'), 'utf8'))).toMatchObject({
      guest: { machine: name },
      files: [
        { path: '/init', size: agent.length, sha256 },
        { path: '/etc/port-kernel-modules-release', size: kernel.release.length + 1 },
      ],
    });
    writeFileSync(join(home, 'initrd'), initrdOf(Buffer.from('\x7fELF, and no more'), moduleFiles(kernel)));
    const broken = build(home);
    expect(broken.stderr).toContain('PK3802');
    expect(broken.stderr).toContain('Kernel panic');
    expect(broken.status).toBe(7);
  });

  const noDisk = findProgram('mke2fs', path) === undefined;
  test.skipIf(noDisk)('an ext4 root under a layer in memory; the image keeps its bytes', limit, async () => {
    const root = join(own, 'root');
    const image = join(own, 'rootfs.ext4');
    fillRoot(root, agent);
    execFileSync('mke2fs', ['-q', '-t', 'ext4', '-d', root, image, '8M']);
    const before = readFileSync(image);
    const hostname = createHash('sha256').update('guest\n').digest('hex');
    const { status, stdout, stderr } = await boot(
      log,
      ...common,
      '--initrd',
      initrd,
      '--rootfs',
      image,
      '--expect',
      `/etc/hostname=${hostname}`,
    );
    expect(stderr).toBe('');
    expect(status).toBe(0);
    console.log(`${name}, ext4: ${JSON.stringify({ ...(JSON.parse(stdout) as object), guest: undefined, files: undefined })}`);
    expect(readFileSync(image).equals(before)).toBe(true);
  });

  test.skipIf(noDisk)('a root that is no file system', limit, async () => {
    const image = join(own, 'damaged.ext4');
    writeFileSync(image, Buffer.alloc(8 * 2 ** 20, 'damaged'));
    const { status, stderr } = await boot(log, ...common, '--initrd', initrd, '--rootfs', image);
    expect(stderr).toContain('PK3802');
    expect(readFileSync(log, 'utf8')).toContain('guest-agent: failed to mount');
    expect(status).toBe(7);
  });
}

/** More than a piece of any packing (the largest is lz4's, 8 MiB), about as packable as programs are. */
const large = Buffer.from(
  Uint32Array.from({ length: 9 * 2 ** 18 }, (_, at) => Math.imul((at % 7919 ** 2) >> 3, 2654435761) >>> (at % 24)).buffer,
);

/** Why a kernel cannot unpack an initrd here, or undefined; the configuration of a distribution's kernel lies beside it. */
function notUnpacked({ path: kernel, release }: TestKernel, packing: string): string | undefined {
  if (packing === 'xz' && findProgram('xz', path) === undefined) return 'there is no xz';
  const config = join(kernel, '..', `config-${release}`);
  if (packing === 'none' || !existsSync(config)) return undefined;
  const unpacks = readFileSync(config, 'utf8').includes(`CONFIG_RD_${packing.toUpperCase()}=y\n`);
  return unpacks ? undefined : `this kernel does not unpack ${packing}`;
}

function definition({ release }: TestKernel, sha256: string): string {
  return `[steps]
kernel.local = { path = "kernel" }
initrd.local = { path = "initrd" }
[steps.booted.boot]
kernel = "step:kernel"
initrd = "step:initrd"
expect = [
  { path = "/init", sha256 = "${sha256}" },
  { path = "/etc/port-kernel-modules-release", text = "${release}\\n" },
]
`;
}

function build(home: string, ...args: readonly string[]) {
  const argv = ['src/cli/main.ts', 'build', '--file', join(home, 'portkit.toml'), '--root', join(home, 'store'), ...args];
  return spawnSync(process.execPath, argv, { encoding: 'utf8' });
}

function commandLines(): readonly string[] {
  return readdirSync('/proc')
    .filter((name) => /^[0-9]+$/.test(name))
    .map((pid) => {
      try {
        return readFileSync(join('/proc', pid, 'cmdline'), 'utf8');
      } catch {
        // It ended while the others were read.
        return '';
      }
    });
}
