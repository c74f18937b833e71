import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { boot } from '../../src/cli/commands/boot.ts';

const folder = mkdtempSync(join(tmpdir(), 'portkit-boot-command-'));
afterAll(() => rmSync(folder, { recursive: true }));
const kernel = join(folder, 'kernel');
writeFileSync(kernel, 'MZ');

function run(options: Record<string, string | readonly string[]>) {
  const silent = () => undefined;
  const consoleFile = { console: join(folder, 'log') };
  return boot.run({
    words: [],
    options: { ...consoleFile, ...options },
    print: silent,
    note: silent,
    signal: AbortSignal.timeout(5000),
  });
}

test.each([
  [{}, 'PK1001'],
  [{ kernel: '' }, 'PK1004'],
  [{ kernel, vmm: 'xen' }, 'PK1004'],
  [{ kernel, architecture: 'riscv64' }, 'PK1004'],
  [{ kernel, vmm: 'qemu', memory: '1MiB' }, 'PK1004'],
  [{ kernel, vmm: 'qemu', memory: '100.5MiB.' }, 'PK1004'],
  [{ kernel, vmm: 'qemu', timeout: '0s' }, 'PK1004'],
  [{ kernel, vmm: 'qemu', timeout: 'soon' }, 'PK1004'],
  [{ kernel, vmm: 'qemu', expect: ['init=abc'] }, 'PK1004'],
  [{ kernel, vmm: 'qemu', expect: ['/init=abc'] }, 'PK1004'],
  [{ kernel, vmm: 'qemu' }, 'PK3806'],
  [{ kernel, vmm: 'qemu', initrd: join(folder, 'none') }, 'PK3806'],
  [{ kernel, vmm: 'firecracker', architecture: 'x86-64', rootfs: kernel }, 'PK3806'],
])('%j is refused with %s', async (options, code) => {
  await expect(run(options)).rejects.toMatchObject({ code });
});
