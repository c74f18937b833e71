import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';

let folder: string;

/** A definition with artifacts that have one variant each; a selector in Port's words. */
function artifact(
  kind: 'kernels' | 'guest_images',
  name: string,
  { path = '', selector = 'x86_64/firecracker/standard', more = '' },
) {
  const [architecture, substrate, mode] = selector.split('/');
  const at = `artifacts.${kind}.${name}`;
  return `
[${at}.reference]
registry = "fs"
repository = "port/${name}"
version = "v1"
[${at}.distribution.pull]
backend = "file-system"
root = "store"
[[${at}.variants]]
path = "${path}"
${more}
selector = { architecture = "${architecture}", substrate = "${substrate}", protection_mode = "${mode}" }
`;
}

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'portkit-boot-artifact-'));
  mkdirSync(join(folder, 'bin'));
  // A monitor that says how it was started, and ends.
  writeFileSync(join(folder, 'bin/qemu-system-x86_64'), '#!/bin/sh\nfor word; do echo "$word"; done | grep -E "out/|root="\n', {
    mode: 0o755,
  });
  define(
    artifact('kernels', 'linux', { path: 'out/vmlinux' }),
    artifact('guest_images', 'guest', { path: 'out/guest/rootfs.ext4', more: 'build = { step = "root" }' }),
    '[steps.root]\ntree = [{ mkdir = "/a" }]\n',
  );
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function define(...parts: readonly string[]): void {
  writeFileSync(join(folder, 'port.toml'), parts.join('\n'));
}

function put(...paths: readonly string[]): void {
  for (const path of paths) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), '\x7fELF');
  }
}

function boot(...args: readonly string[]) {
  const argv = ['--config', 'port.toml', 'boot', '--vmm', 'qemu', '--architecture', 'x86-64', ...args];
  return spawnSync('sh', [join(process.cwd(), 'bin/portkit'), ...argv], {
    encoding: 'utf8',
    cwd: folder,
    env: { PATH: `${join(folder, 'bin')}:${process.env['PATH']}`, HOME: folder },
  }).stderr;
}

test('a guest image boots with the kernel of its selector, and with the initrd beside it', () => {
  put('out/vmlinux', 'out/guest/rootfs.ext4');
  expect(boot('--artifact', 'guest')).toMatch(/console:\n\S*out\/vmlinux\n.*root=\/dev\/vda.*\nfile=\S*out\/guest\/rootfs\.ext4/);
  put('out/guest/initrd.cpio.gz');
  const both = boot('--artifact', 'linux', '--artifact', 'guest', '--append', 'root=x');
  expect(both).toMatch(/out\/vmlinux\n\S*out\/guest\/initrd\.cpio\.gz\n.*rootfs_overlay=1 .* root=x\n/);
});

test('files that are not there are told with the commands that bring them', () => {
  const words = '--artifact guest --architecture x86-64 --substrate firecracker --protection-mode standard';
  const missing = boot('--artifact', 'guest');
  expect(missing).toContain('error[PK3809]');
  expect(missing).toContain(`portkit artifacts build ${words} or portkit artifacts pull ${words}`);
  put('out/guest/rootfs.ext4');
  expect(boot('--artifact', 'guest')).toContain('portkit artifacts pull --artifact linux ');
});

test.each([
  [['--artifact', 'linux'], 'error[PK3806]', 'Add --artifact guest'],
  [['--artifact', 'gest'], 'error[PK3903]', 'guest'],
  [['--artifact', 'guest', '--substrate', 'avf'], 'error[PK3903]', 'x86_64/firecracker/standard'],
  [['--artifact', 'guest', '--kernel', 'out/vmlinux'], 'error[PK1004]', 'Leave one of them out'],
  [['--kernel', 'out/vmlinux', '--rootfs', 'x'], 'error[PK1001]', '--artifact'],
  [['--artifact', 'guest', '--artifact', 'guest'], 'error[PK1004]', 'one kernel and one guest image'],
])('%j is refused', (args, code, hint) => {
  const said = boot(...args);
  expect(said).toContain(code);
  expect(said).toContain(hint);
});

test('of two kernels with the same selector, one has to be named', () => {
  define(
    artifact('kernels', 'one', { path: 'out/vmlinux' }),
    artifact('kernels', 'two', { path: 'out/vmlinux2' }),
    artifact('kernels', 'other', { path: 'out/vmlinux3', selector: 'aarch64/firecracker/standard' }),
    artifact('guest_images', 'guest', { path: 'out/rootfs.ext4' }),
  );
  put('out/vmlinux', 'out/vmlinux2', 'out/rootfs.ext4');
  expect(boot('--artifact', 'guest')).toContain('Add --artifact one or --artifact two');
  expect(boot('--artifact', 'guest', '--artifact', 'two')).toContain('out/vmlinux2');
});
