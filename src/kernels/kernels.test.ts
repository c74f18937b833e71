import { gzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { makeBzImage, makeImage, makeVmlinux, makeZboot, pack, sampleVersion } from '../../test/kernels/samples.ts';
import { signal } from '../../test/ops/world.ts';
import { runProgram } from '../ops/run-program.ts';
import { unxzWith } from '../ops/unxz.ts';
import { extractKernel } from './extract.ts';
import { inspectKernel } from './inspect/inspect.ts';
import type { Kernel } from './inspect/inspect.ts';
import type { KernelSource } from './inspect/open.ts';

const unxz = unxzWith(runProgram, '/usr/bin:/bin');

function source(bytes: Buffer, size = 3000): KernelSource {
  async function* content(): AsyncGenerator<Uint8Array> {
    for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
  }
  return { content: content(), unxz };
}

function inspect(bytes: Buffer): Promise<Kernel> {
  return inspectKernel(source(bytes), signal);
}

async function extract(bytes: Buffer): Promise<Buffer> {
  const parts: Uint8Array[] = [];
  for await (const part of extractKernel(source(bytes), signal)) parts.push(Buffer.from(part));
  return Buffer.concat(parts);
}

const config = 'CONFIG_PVH=y\n# CONFIG_KVM is not set\nCONFIG_NAME="a=b"\nnonsense\nCONFIG_VIRTIO_BLK=m\n';
const version = sampleVersion;

describe('looking inside', () => {
  test('an ELF vmlinux says its machine, version, PVH entry and configuration', async () => {
    const bytes = makeVmlinux({ pvh: 0x1000370, config });
    expect(await inspect(bytes)).toEqual({
      container: 'elf',
      architecture: 'x86_64',
      efiStub: false,
      version,
      core: {
        container: 'elf',
        size: bytes.length,
        pvhEntry: 0x1000370,
        config: new Map([
          ['CONFIG_PVH', 'y'],
          ['CONFIG_NAME', '"a=b"'],
          ['CONFIG_VIRTIO_BLK', 'm'],
        ]),
      },
    });
    expect((await inspect(makeVmlinux({ machine: 183 }))).architecture).toBe('aarch64');
    expect((await inspect(makeVmlinux())).core).not.toHaveProperty('pvhEntry');
  });

  test.each(['gzip', 'zstd', 'xz', 'lz4'] as const)('a bzImage with %s is looked into and unpacked', async (packing) => {
    const core = makeVmlinux({ pvh: 0x1000, config, padding: 200_000 });
    const bytes = makeBzImage(core, { packing });
    expect(await inspect(bytes)).toMatchObject({
      container: 'bzimage',
      architecture: 'x86_64',
      compression: packing,
      version,
      core: { container: 'elf', size: core.length, pvhEntry: 0x1000 },
    });
    expect((await extract(bytes)).equals(core)).toBe(true);
  });

  test.each(['bzip2', 'lzma', 'lzo'] as const)('a bzImage with %s is refused by name', async (packing) => {
    const bytes = makeBzImage(makeVmlinux(), { packing });
    expect(await inspect(bytes)).toEqual({
      container: 'bzimage',
      architecture: 'x86_64',
      compression: packing,
      efiStub: false,
      version: '6.1.155 (builder@host)',
      unread: `The kernel is compressed with ${packing}, which cannot be read`,
    });
    await expect(extract(bytes)).rejects.toMatchObject({ code: 'PK3703', message: expect.stringContaining(packing) });
  });

  test('old and 32-bit bzImages say what they are', async () => {
    const i386 = makeBzImage(makeVmlinux({ machine: 3 }), { is64: false });
    expect(await inspect(i386)).toMatchObject({ architecture: 'i386' });
    const unnamed = await inspect(makeBzImage(makeVmlinux(), { protocol: 0x20a }));
    expect(unnamed).toMatchObject({ architecture: 'x86_64' });
    const old = await inspect(makeBzImage(makeVmlinux(), { protocol: 0x207 }));
    expect(old).toMatchObject({ container: 'bzimage', unread: expect.stringContaining('too old') });
    expect(old).not.toHaveProperty('architecture');
  });

  test('the setup of a bzImage has the size that its header says, and the version in it', async () => {
    expect(await extract(makeBzImage(makeVmlinux(), { setupSectors: 4 }))).toEqual(makeVmlinux());
    const outside = makeBzImage(makeVmlinux(), { packing: 'lzo' });
    outside.write('no version\0', 0x900);
    outside.writeUInt16LE(0x900 - 0x200, 0x20e);
    expect(await inspect(outside)).not.toHaveProperty('version');
  });

  test('an arm64 Image, plain, compressed and as EFI zboot', async () => {
    const image = makeImage({ config });
    const core = { container: 'arm64-image', size: image.length, pageKiB: 4 };
    const common = { architecture: 'aarch64', version };
    expect(await inspect(image)).toMatchObject({ ...common, container: 'arm64-image', efiStub: true, core });
    expect(await inspect(makeImage({ efi: false }))).toMatchObject({ efiStub: false });
    expect(await inspect(gzipSync(image))).toMatchObject({ ...common, container: 'compressed', compression: 'gzip', core });
    expect(await inspect(makeZboot(image))).toMatchObject({ ...common, container: 'efi-zboot', efiStub: true, core });
    for (const packed of [image, gzipSync(image), makeZboot(image), makeZboot(image, 'zstd'), pack(image, 'lz4')])
      expect((await extract(packed)).equals(image)).toBe(true);
    expect(await inspect(makeImage({ flags: 0b1101 }))).toMatchObject({ architecture: 'aarch64_be', core: { pageKiB: 16 } });
  });

  test('the banner is the one with a build number', async () => {
    const first = makeVmlinux({ version: version.replace('#1', '#') });
    const bytes = Buffer.concat([first, Buffer.from(`Linux version ${version}\n\0`)]);
    expect((await inspect(bytes)).version).toBe(version);
  });

  test('a PVM guest is shown by its configuration, or by its symbols when there is none', async () => {
    const shown = async (sample: Parameters<typeof makeVmlinux>[0]) => (await inspect(makeVmlinux(sample))).core?.pvmGuest;
    expect(await shown({ config: 'CONFIG_PVM_GUEST=y\n' })).toBe('config');
    expect(await shown({ symbols: ['start_kernel', 'pvm_early_setup', 'x'] })).toBe('symbols');
    expect(await shown({ symbols: ['my_pvm_early_setup', 'pvm_early_setup_not'] })).toBeUndefined();
    expect(await shown({ config: '# CONFIG_PVM_GUEST is not set\n', symbols: ['pvm_early_setup'] })).toBeUndefined();
  });
});

function damaged(bytes: Buffer, change: (bytes: Buffer) => unknown): Buffer {
  const copy = Buffer.from(bytes);
  change(copy);
  return copy;
}

const bzImage = makeBzImage(makeVmlinux({ pvh: 0x1000, config }));
const zstdImage = makeBzImage(makeVmlinux(), { packing: 'zstd' });
const vmlinux = makeVmlinux({ pvh: 0x1000, config });

describe('what is no kernel, or a broken one', () => {
  test.each([
    ['nothing', Buffer.alloc(0), 'PK3701'],
    ['a text', Buffer.from('#!/bin/sh\n'), 'PK3701'],
    ['another EFI program', damaged(makeImage(), (bytes) => bytes.fill(0, 56, 60)), 'PK3701'],
    ['a compressed text', gzipSync('text'), 'PK3701'],
    ['a compressed bzImage', gzipSync(bzImage), 'PK3701'],
    ['a kernel compressed twice', gzipSync(gzipSync(makeImage())), 'PK3701'],
    ['a payload of something else', damaged(bzImage, (bytes) => bytes.writeUInt32LE(3, 0x248)), 'PK3702'],
    ['a payload beyond the file', damaged(bzImage, (bytes) => bytes.writeUInt32LE(0xffffffff, 0x248)), 'PK3702'],
    ['a payload of no size', damaged(zstdImage, (bytes) => bytes.writeUInt32LE(0, 0x24c)), 'PK3304'],
    ['a payload that is cut off', bzImage.subarray(0, -400), 'PK3702'],
    [
      'a payload of another size',
      damaged(zstdImage, (bytes) => bytes.fill(0xee, bytes.length - 304, bytes.length - 300)),
      'PK3702',
    ],
    ['a payload for another machine', makeBzImage(makeVmlinux({ machine: 183 })), 'PK3702'],
    ['a damaged payload', damaged(bzImage, (bytes) => bytes.fill(0xee, 3000, 3100)), 'PK3304'],
    [
      'a damaged configuration',
      damaged(vmlinux, (bytes) => bytes.fill(9, bytes.indexOf('IKCFG_ST') + 20, bytes.indexOf('IKCFG_ED'))),
      'PK3702',
    ],
    ['notes beyond the file', vmlinux.subarray(0, -1), 'PK3702'],
    ['endless notes', damaged(vmlinux, (bytes) => bytes.writeUInt32LE(0x7fffffff, 64 + 56 + 32)), 'PK3702'],
    ['segments beyond the file', damaged(vmlinux, (bytes) => bytes.writeUInt32LE(0x7fffffff, 32)), 'PK3305'],
  ])('%s is refused', async (_, bytes, code) => {
    await expect(inspect(bytes)).rejects.toMatchObject({ code });
  });

  test('notes that make no sense are no PVH entry', async () => {
    const at = vmlinux.lastIndexOf('Xen\0') - 12;
    const entryOf = async (change: (bytes: Buffer) => unknown) => (await inspect(damaged(vmlinux, change))).core?.pvhEntry;
    expect(await entryOf((bytes) => bytes.writeUInt32LE(0x1000, at + 16))).toBe(0x1000);
    expect(await entryOf((bytes) => bytes.writeUInt32LE(17, at + 8))).toBeUndefined();
    expect(await entryOf((bytes) => bytes.writeUInt32LE(0xfffffff0, at))).toBeUndefined();
    expect(await entryOf((bytes) => bytes.writeUInt32LE(0xfffffff0, at + 4))).toBeUndefined();
    expect(await entryOf((bytes) => bytes.write('Xem', at + 12))).toBeUndefined();
  });

  test('beginnings without an end do not hold the search up', async () => {
    const many = Buffer.alloc(12 * 2 ** 20, 'IKCFG_ST\x1f');
    const started = performance.now();
    const kernel = await inspect(Buffer.concat([makeVmlinux({ pvh: 1 }), many]));
    expect(kernel).toMatchObject({ version, core: { pvhEntry: 1 } });
    expect(kernel.core).not.toHaveProperty('config');
    expect(performance.now() - started).toBeLessThan(10_000);
  });

  test('a kernel that unpacks to far more than a kernel has is refused', async () => {
    const bomb = gzipSync(Buffer.concat([makeImage(), Buffer.alloc(80 * 2 ** 20)]));
    await expect(inspect(bomb)).rejects.toMatchObject({ code: 'PK3303' });
  });

  test('cancelling ends it', async () => {
    const cancelled = AbortSignal.abort(new Error('enough'));
    await expect(inspectKernel(source(vmlinux), cancelled)).rejects.toThrow('enough');
    await expect(inspectKernel(source(bzImage), cancelled)).rejects.toThrow('enough');
  });
});
