import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { frontendFor } from '../../frontends/index.ts';
import { noCompiler } from '../boot/agent-program.ts';
import { makeImage, makeVmlinux } from '../kernels/samples.ts';

const folder = mkdtempSync(join(tmpdir(), 'portkit-demo-'));
afterAll(() => rmSync(folder, { recursive: true }));

/** Where Firecracker publishes its kernels cannot be reached by a test: these stand in for them, and for nothing else. */
const lane = `
[steps.kernel-sample-x86_64]
local = "samples/x86_64"
[steps.kernel-sample-aarch64]
local = "samples/aarch64"
[steps.modules-sample]
tree = []
`;
const kernels = { x86_64: makeVmlinux(), aarch64: makeImage(), pvm: makeVmlinux({ config: 'CONFIG_PVM_GUEST=y\n' }) };
const pvmPlace = join(folder, 'examples/port/pvm/vmlinux');

beforeAll(() => {
  for (const name of ['examples/port.toml', 'examples/port', 'guest-agent'])
    cpSync(name, join(folder, name), { recursive: true, filter: (from) => !from.includes('port/pvm') });
  for (const place of ['examples/samples', 'examples/port/pvm']) mkdirSync(join(folder, place), { recursive: true });
  for (const name of ['x86_64', 'aarch64'] as const) writeFileSync(join(folder, 'examples/samples', name), kernels[name]);
  writeFileSync(join(folder, 'examples/port.toml'), readFileSync('examples/port.toml', 'utf8') + lane);
});

function artifacts(verb: string, line: string, lane = 'sample', env: Readonly<Record<string, string>> = {}) {
  const busybox = env['PORT_BUSYBOX_BIN'] === undefined ? ['--set', 'busybox=none'] : [];
  const set = ['--set', `kernel=${lane}`, ...busybox];
  const argv = ['--config', 'examples/port.toml', 'artifacts', verb, ...set, ...line.split(' ')];
  return spawnSync('sh', [join(process.cwd(), 'bin/portkit'), ...argv], {
    encoding: 'utf8',
    cwd: folder,
    env: { PATH: process.env['PATH'], HOME: folder, PORTKIT_ROOT: join(folder, 'store'), ...env },
  });
}

const bytes = (path: string): Buffer => readFileSync(join(folder, path));

function roundTrip(kind: 'kernel' | 'guest', selector: string, line: string): Buffer {
  const path = `artifacts/${kind}/demo/${selector}`;
  const first = `${path}/${kind === 'kernel' ? 'vmlinux' : 'rootfs.ext4'}`;
  expect(artifacts('build', line)).toMatchObject({ status: 0 });
  const before = bytes(first);
  expect(artifacts('validate', line)).toMatchObject({ status: 0, stdout: expect.stringContaining('validated ') });
  expect(artifacts('push', line)).toMatchObject({ status: 0 });
  renameSync(join(folder, path), join(folder, 'lost'));
  expect(artifacts('pull', line)).toMatchObject({ status: 0 });
  rmSync(join(folder, 'lost'), { recursive: true });
  expect(bytes(first).equals(before)).toBe(true);
  expect(artifacts('validate', line)).toMatchObject({ status: 0 });
  return before;
}

const pvmKernel = '--artifact demo-kernel --architecture x86-64 --substrate firecracker --protection-mode pvm';

describe('the demo', () => {
  test('has its standard kernels pinned: place and digest (S0.35, S0.36)', async () => {
    const source = { text: readFileSync('examples/port.toml', 'utf8'), path: 'examples/port.toml' };
    const { signal } = new AbortController();
    const { graph, artifacts } = await (
      await frontendFor(source.path)
    ).load(source, {
      set: {},
      env: () => undefined,
      read: () => undefined,
      signal,
    });
    const fetched = graph.vertices.flatMap(({ op }) => (op.type === 'fetch' ? [op] : []));
    expect(fetched).toMatchObject([
      {
        url: expect.stringMatching(/firecracker-ci\/v1\.14\/x86_64\/vmlinux-6\.1\.155$/),
        mirrors: [expect.stringMatching(/firecracker-ci\/v1\.14\/x86_64\/vmlinux-6\.1\.155$/)],
        digest: 'sha256:e41c7048bd2475e7e788153823fcb9166a7e0b78c4c443bd6446d015fa735f53',
      },
      {
        url: expect.stringMatching(/firecracker-ci\/v1\.14\/aarch64\/vmlinux-6\.1\.155$/),
        mirrors: [expect.stringMatching(/firecracker-ci\/v1\.14\/aarch64\/vmlinux-6\.1\.155$/)],
        digest: 'sha256:61baeae1ac6197be4fc5c71fa78df266acdc33c54570290d2f611c2b42c105be',
      },
    ]);
    const variants = artifacts.map(({ name, variants: all }) => [name, all.map(({ path, build }) => [path, build])]);
    const guest = (cell: string) => ({ step: `rootfs[${cell}]`, initrd: `initrd[${cell.split(',')[0]}]` });
    expect(variants).toEqual([
      [
        'demo-kernel',
        [
          ['artifacts/kernel/demo/x86_64/firecracker/standard/vmlinux', { step: 'kernel-firecracker-x86_64' }],
          ['artifacts/kernel/demo/x86_64/firecracker/pvm/vmlinux', { step: 'kernel-pvm' }],
          ['artifacts/kernel/demo/aarch64/firecracker/standard/vmlinux', { step: 'kernel-firecracker-aarch64' }],
        ],
      ],
      [
        'demo-guest',
        [
          ['artifacts/guest/demo/x86_64/firecracker/standard/rootfs.ext4', guest('x86_64,standard')],
          ['artifacts/guest/demo/x86_64/firecracker/pvm/rootfs.ext4', guest('x86_64,pvm')],
          ['artifacts/guest/demo/aarch64/firecracker/standard/rootfs.ext4', guest('aarch64,standard')],
        ],
      ],
    ]);
  });

  test.each([
    ['x86_64/firecracker/standard', '--artifact demo-kernel --architecture x86-64', kernels.x86_64],
    ['aarch64/firecracker/standard', '--artifact demo-kernel --architecture aarch64', kernels.aarch64],
  ])('kernel round trip: %s', (selector, line, kernel) => {
    expect(roundTrip('kernel', selector, line).equals(kernel)).toBe(true);
  });

  test('a kernel is compared with the pinned source, though nothing was fetched (S0.37)', () => {
    const line = '--artifact demo-kernel --architecture x86-64';
    expect(artifacts('build', line)).toMatchObject({ status: 0 });
    const validated = artifacts('validate', line, 'firecracker');
    expect(validated.status).toBe(7);
    expect(validated.stdout).toMatch(
      /digest: sha256 mismatch with the step "kernel-firecracker-x86_64": expected sha256:e41c7048/,
    );
  });

  test('without a PVM kernel there is none, and the standard one is not taken for it (S0.38, S0.45)', () => {
    const refused = artifacts('build', pvmKernel);
    expect(refused).toMatchObject({ status: 1, stdout: '' });
    expect(refused.stderr).toContain('missing PVM guest kernel');
    expect(refused.stderr).toContain("nix build '../pvm-builds#packages.x86_64-linux.linux-port-pvm-guest'");
    expect(artifacts('build', '--artifact demo-kernel --architecture x86-64')).toMatchObject({ status: 0 });
    writeFileSync(pvmPlace, kernels.x86_64);
    expect(artifacts('build', pvmKernel)).toMatchObject({ status: 0 });
    const validated = artifacts('validate', pvmKernel);
    expect(validated.status).toBe(7);
    expect(validated.stdout).toContain('kernel: x86_64/firecracker/pvm cannot start it: ');
    expect(validated.stdout).toContain('own-file: it is the same file as the standard one');
    writeFileSync(pvmPlace, kernels.pvm);
    expect(roundTrip('kernel', 'x86_64/firecracker/pvm', pvmKernel).equals(kernels.pvm)).toBe(true);
  });

  test('PORT_BUSYBOX_BIN is taken, and has to be a static program (S0.50)', ({ skip }) => {
    const reason = noCompiler('release', 'x86_64-linux-gnu-gcc');
    skip(reason !== undefined, reason);
    const line = '--artifact demo-guest --architecture x86-64';
    const build = (program: string) => artifacts('build', line, 'sample', { PORT_BUSYBOX_BIN: program });
    expect(build('/usr/bin/no-busybox')).toMatchObject({ status: 69, stderr: expect.stringContaining('/usr/bin/no-busybox') });
    const dynamic = build('/usr/bin/env');
    expect(dynamic.status).not.toBe(0);
    expect(dynamic.stderr).toMatch(/PK3309.*"bin\/busybox" is loaded by/s);
  });

  test.for([
    ['x86_64', 'standard'],
    ['x86_64', 'pvm'],
    ['aarch64', 'standard'],
  ] as const)('guest round trip: %s %s', ([architecture, mode], { skip }) => {
    const reason = noCompiler('release', `${architecture}-linux-gnu-gcc`);
    skip(reason !== undefined, reason);
    const line = `--artifact demo-guest --architecture ${architecture.replace('_', '-')} --protection-mode ${mode}`;
    const selector = `${architecture}/firecracker/${mode}`;
    const image = roundTrip('guest', selector, line);
    const place = join(folder, `artifacts/guest/demo/${selector}/rootfs.ext4`);
    image.writeUInt32LE(image.readUInt32LE(1024 + 12) - 1, 1024 + 12);
    writeFileSync(place, image);
    const validated = artifacts('validate', `${line} --json`);
    expect(validated.status).toBe(7);
    const { findings } = JSON.parse(validated.stdout).artifacts[0] as { findings: readonly { check: string }[] };
    expect(findings.map(({ check }) => check)).toEqual(expect.arrayContaining(['digest', 'ext4']));
  });
});
