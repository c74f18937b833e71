import { spawnSync } from 'node:child_process';
import { appendFileSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { makeImage, makeVmlinux } from '../kernels/samples.ts';

let folder: string;

const steps = `
[matrix]
architecture = ["x86_64", "aarch64"]
protection_mode = ["standard", "pvm"]

[steps.kernel]
tree = [{ copy = "local:kernels/\${matrix.architecture}-\${matrix.protection_mode}", to = "/vmlinux" }]

[steps.root]
tree = [{ write = "/init", text = "init for \${matrix.architecture} \${matrix.protection_mode}\\n" }]

[steps.rootfs]
archive = { from = "step:root" }

[steps.initrd]
archive = { from = "step:root" }
`;

/** The sample with stand-ins for the steps that build it. */
function sample(): string {
  const config = readFileSync('test/artifacts/port.toml', 'utf8');
  return config.replaceAll(/^path = "artifacts\/(kernel|guest)\/demo\/\w+\/firecracker\/.*$/gm, (path, kind: string) =>
    kind === 'kernel' ? `${path}\nbuild = { step = "kernel" }` : `${path}\nbuild = { step = "rootfs", initrd = "initrd" }`,
  );
}

/** Made-up kernels: what validation asks of real ones is in them, and no more. */
const kernels = {
  'x86_64-standard': makeVmlinux(),
  'x86_64-pvm': makeVmlinux({ config: 'CONFIG_PVM_GUEST=y\n' }),
  'aarch64-standard': makeImage(),
  'aarch64-pvm': makeImage(),
};

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'portkit-artifacts-'));
  for (const place of ['examples/kernels', 'kernels']) {
    mkdirSync(join(folder, place), { recursive: true });
    for (const [name, bytes] of Object.entries(kernels)) writeFileSync(join(folder, place, name), bytes);
  }
  writeFileSync(join(folder, 'examples/port.toml'), sample() + steps);
});

afterEach(() => rmSync(folder, { recursive: true, force: true }));

function portkit(...args: readonly string[]) {
  return spawnSync('sh', [join(process.cwd(), 'bin/portkit'), ...args], {
    encoding: 'utf8',
    cwd: folder,
    env: { PATH: process.env['PATH'], HOME: folder, PORTKIT_ROOT: join(folder, 'store') },
  });
}

function artifacts(line: string) {
  return portkit('--config', 'examples/port.toml', 'artifacts', ...line.split(' '));
}

const bytes = (path: string): Buffer => readFileSync(join(folder, path));
const text = (path: string): string => readFileSync(join(folder, path), 'utf8');

describe('the round trips of Port', () => {
  test.each([
    ['standard', '--artifact demo-kernel --architecture x86-64', kernels['x86_64-standard']],
    ['pvm', '--artifact demo-kernel --architecture x86-64 --substrate firecracker --protection-mode pvm', kernels['x86_64-pvm']],
  ])('%s: build, validate, push, lose, pull (S0.19, S0.20)', (mode, selected, kernel) => {
    const path = `artifacts/kernel/demo/x86_64/firecracker/${mode}/vmlinux`;
    const below = `demo-fs/port/demo-kernel/v1/x86_64/firecracker/${mode}/vmlinux`;
    const named = `kernel artifact 'demo-kernel' for x86_64/firecracker/${mode}\n`;
    const moved = [
      '  backend: file-system',
      '  reference: demo-fs/port/demo-kernel:v1',
      `  local path: ${path}`,
      `  store path: artifact-store/demo-fs/${below}`,
      `  cache path: .port/cache/${below}`,
      '  digest: sha256:',
    ].join('\n');
    expect(artifacts(`build ${selected}`)).toMatchObject({ status: 0, stdout: expect.stringContaining(`built ${named}`) });
    expect(bytes(path).equals(kernel)).toBe(true);
    expect(artifacts(`validate ${selected}`)).toMatchObject({ status: 0, stdout: expect.stringContaining(`validated ${named}`) });
    const pushed = artifacts(`push ${selected}`);
    expect(pushed).toMatchObject({ status: 0, stdout: expect.stringContaining(`pushed ${named}${moved}`) });
    rmSync(join(folder, path));
    rmSync(join(folder, '.port'), { recursive: true });
    const pulled = artifacts(`pull ${selected}`);
    expect(pulled).toMatchObject({ status: 0, stdout: expect.stringContaining(`pulled ${named}${moved}`) });
    for (const copy of [path, `artifact-store/demo-fs/${below}`, `.port/cache/${below}`]) {
      expect(bytes(copy).equals(kernel)).toBe(true);
    }
  });

  test('of a guest image carry its initrd (S0.44)', () => {
    expect(artifacts('build --artifact demo-guest --architecture x86-64').status).toBe(0);
    expect(artifacts('push --artifact demo-guest --architecture x86-64').status).toBe(0);
    const path = 'artifacts/guest/demo/x86_64/firecracker/standard';
    const before = text(`${path}/initrd.cpio.gz`);
    rmSync(join(folder, 'artifacts'), { recursive: true });
    const done = artifacts('pull --artifact demo-fs/port/demo-guest:v1 --architecture x86-64 --json');
    expect(JSON.parse(done.stdout)).toMatchObject({
      version: 1,
      verb: 'pull',
      artifacts: [
        {
          kind: 'guest-image',
          reference: 'demo-fs/port/demo-guest:v1',
          selector: { architecture: 'x86_64' },
          files: [{ name: 'rootfs.ext4', verified: true }, { name: 'initrd.cpio.gz' }],
        },
      ],
    });
    expect(text(`${path}/initrd.cpio.gz`)).toBe(before);
    expect(existsSync(join(folder, path, 'rootfs.ext4'))).toBe(true);
  });
});

test('damage is found, named, and nothing is made of it', () => {
  const path = 'artifacts/kernel/demo/x86_64/firecracker/standard/vmlinux';
  const stored = 'artifact-store/demo-fs/demo-fs/port/demo-kernel/v1/x86_64/firecracker/standard/vmlinux';
  const selected = '--artifact demo-kernel --architecture x86-64';
  for (const verb of ['build', 'push']) expect(artifacts(`${verb} ${selected}`).status).toBe(0);
  appendFileSync(join(folder, stored), '!');
  appendFileSync(join(folder, path), '?');
  const pulled = artifacts(`pull ${selected}`);
  expect(pulled).toMatchObject({ status: 7, stdout: '' });
  expect(pulled.stderr).toMatch(/^error\[PK3910\]: \S+\/vmlinux is damaged: expected sha256:\w+, got sha256:/);
  expect(text(path)).toMatch(/\?$/);
  const inspected = artifacts(`inspect ${selected}`);
  expect(inspected).toMatchObject({ status: 7, stdout: expect.stringContaining(`store path: ${stored}: DAMAGED: expected`) });
  const validated = artifacts(`validate ${selected} --json`);
  expect(validated.status).toBe(7);
  expect(JSON.parse(validated.stdout).artifacts[0].findings).toMatchObject([
    { check: 'digest', path },
    { check: 'store', path: stored },
  ]);
  expect(artifacts(`build ${selected}`).status).toBe(0);
  expect(bytes(path).equals(kernels['x86_64-standard'])).toBe(true);
});

describe('no silent fallback', () => {
  test('what is research-only is refused before the definition is read (S0.47)', () => {
    for (const verb of ['build', 'validate', 'push', 'pull']) {
      const line = ['artifacts', verb, '--config=absent.toml', '--artifact', 'demo-kernel'];
      const refused = portkit(...line, '--architecture', 'aarch64', '--protection-mode', 'pvm');
      expect(refused).toMatchObject({ status: 2, stdout: '', stderr: expect.stringContaining('error[PK3904]') });
    }
  });

  test('an absent variant lists those that there are (S0.45)', () => {
    const refused = artifacts('pull --artifact demo-kernel --substrate avf --architecture x86-64 --protection-mode pvm');
    expect(refused.status).toBe(2);
    expect(refused.stderr).toContain("The kernel artifact 'demo-kernel' has no variant x86_64/avf/pvm");
    expect(refused.stderr).toContain('It has: x86_64/firecracker/standard, x86_64/firecracker/pvm, aarch64/firecracker/standard');
  });

  test('a variant without a step is not built, nor are those beside it', () => {
    const refused = artifacts('build --artifact demo-kernel --all');
    expect(refused).toMatchObject({ status: 2, stderr: expect.stringContaining('no step that builds x86_64/cloud-hypervisor') });
    expect(existsSync(join(folder, 'artifacts'))).toBe(false);
  });
});

describe('backends of later versions', () => {
  const sections = /(\[artifacts\.kernels\.demo-kernel\.distribution\.(?:push|pull)\]\n)backend = "file-system"\nroot = .*\n/g;

  test('a hosted store (S0.22): the configuration loads, and using it says that it is not there', () => {
    const config = sample()
      .replaceAll(sections, '$1backend = "hosted-api"\nendpoint = "http://127.0.0.1:7040"\n')
      .replace('https://port.example.org', 'http://127.0.0.1:7040');
    writeFileSync(join(folder, 'examples/port.toml'), config + steps);
    expect(artifacts('list').stdout).toContain('demo-fs/port/demo-kernel:v1');
    for (const verb of ['push', 'pull']) {
      const refused = artifacts(`${verb} --artifact demo-kernel --architecture x86-64`);
      expect(refused).toMatchObject({
        status: 69,
        stderr: expect.stringContaining('the backend hosted-api is not in this version'),
      });
      expect(refused.stderr).toContain('error[PK3908]');
    }
    expect(artifacts('push --artifact demo-guest --architecture x86-64').status).toBe(1);
  });
});

test('all variants at once, as far as they get', () => {
  const config = sample().replace(
    /\[\[artifacts.kernels.demo-kernel.variants\]\]\npath = "[^"]*cloud-h[^]*?(?=\[artifacts.guest)/,
    '',
  );
  writeFileSync(join(folder, 'portkit.toml'), config + steps);
  const built = portkit('artifacts', 'build', '--artifact', 'demo-kernel', '--all', '--quiet');
  expect(built).toMatchObject({ status: 0, stderr: '', stdout: expect.stringMatching(/^(?:sha256:[0-9a-f]{64}\n){3}$/) });
  expect(bytes('artifacts/kernel/demo/aarch64/firecracker/standard/vmlinux').equals(kernels['aarch64-standard'])).toBe(true);
  rmSync(join(folder, 'artifacts/kernel/demo/aarch64'), { recursive: true });
  const pushed = portkit('artifacts', 'push', '--artifact', 'demo-kernel', '--all');
  expect(pushed).toMatchObject({ status: 1, stderr: expect.stringContaining('PK3909') });
  expect(pushed.stdout.match(/^pushed .*$/gm)).toHaveLength(2);
});

test('list tells all without looking at files, and wrong lines are refused', () => {
  expect(artifacts('list').stdout.split('\n')).toHaveLength(17);
  expect(artifacts('list').stdout).toContain("guest-image artifact 'demo-guest'  demo-fs/port/demo-guest:v1\n");
  expect(JSON.parse(artifacts('list --artifact demo-kernel --json').stdout).artifacts).toHaveLength(1);
  for (const [line, code] of [
    ['push', 'PK1001'],
    ['pusch', 'PK1001'],
    ['push --artifact demo-kernel --root x', 'PK1001'],
    ['push --artifact demo-kernel --all --substrate avf', 'PK1004'],
    ['push --artifact demo-kernel --architecture arm', 'PK3902'],
    ['push --artifact demo', 'PK3903'],
  ] as const) {
    expect(artifacts(line)).toMatchObject({ status: 2, stderr: expect.stringContaining(`error[${code}]`) });
  }
});
