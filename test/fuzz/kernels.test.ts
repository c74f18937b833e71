import { gzipSync } from 'node:zlib';
import { expect, test } from 'vitest';
import { PortkitError } from '../../src/base/errors.ts';
import { extractKernel } from '../../src/kernels/extract.ts';
import { inspectKernel } from '../../src/kernels/inspect/inspect.ts';
import type { KernelSource } from '../../src/kernels/inspect/open.ts';
import { fitsOf } from '../../src/kernels/lanes.ts';
import { makeBzImage, makeImage, makeVmlinux, makeZboot } from '../kernels/samples.ts';
import { signal } from '../ops/world.ts';
import { mutate, randomFrom } from './mutate.ts';
import type { Random } from './mutate.ts';

const runs = Number(process.env['FUZZ_RUNS'] ?? 3000);

const config = 'CONFIG_PVH=y\nCONFIG_VIRTIO_BLK=m\n'.repeat(20);
const vmlinux = makeVmlinux({ pvh: 0x1000, config, symbols: ['pvm_early_setup'] });
const image = makeImage({ config });

/** Whole files, of every kind that needs no other program. */
const files = [
  vmlinux,
  image,
  makeBzImage(vmlinux),
  makeBzImage(vmlinux, { packing: 'zstd' }),
  makeBzImage(vmlinux, { packing: 'lz4' }),
  makeBzImage(vmlinux, { packing: 'lzma' }),
  makeZboot(image),
  gzipSync(image),
];

function source(bytes: Buffer, random: Random): KernelSource {
  async function* content(): AsyncGenerator<Uint8Array> {
    for (let at = 0, size = 0; at < bytes.length; at += size) {
      size = 1 + random(bytes.length);
      yield bytes.subarray(at, at + size);
    }
  }
  const unxz = (): never => {
    throw new PortkitError('PK6901', 'There is no xz here');
  };
  return { content: content(), unxz };
}

/** A file with damage: anywhere, in the boot header, or in the kernel inside of a sound bzImage. */
function damaged(random: Random): Buffer {
  const file = files[random(files.length)] ?? vmlinux;
  const other = files[random(files.length)] ?? image;
  const where = random(4);
  if (where === 0) return makeBzImage(mutate(vmlinux, image, random));
  if (where > 1) return mutate(file, other, random);
  const bytes = Buffer.from(file);
  for (let left = 1 + random(4); left > 0; left--) bytes[0x1f1 + random(0x70)] = [0, 0xff, random(256)][random(3)] ?? 0;
  return bytes;
}

async function extracted(bytes: Buffer, random: Random): Promise<number> {
  let size = 0;
  for await (const part of extractKernel(source(bytes, random), signal)) size += part.length;
  return size;
}

test(`${runs} damaged kernels are looked into and unpacked alike, or refused with a code`, { timeout: 600_000 }, async () => {
  const counts = { known: 0, refused: 0 };
  for (let seed = 0; seed < runs; seed++) {
    const random = randomFrom(seed);
    const bytes = damaged(random);
    const code = (error: unknown): string => {
      if (error instanceof PortkitError) return error.code;
      throw new Error(`With seed ${seed}`, { cause: error });
    };
    const found = await inspectKernel(source(bytes, random), signal).catch(code);
    const size = await extracted(bytes, random).catch(code);
    if (typeof found === 'string') {
      counts.refused += 1;
      continue;
    }
    counts.known += 1;
    expect(fitsOf(found), `seed ${seed}`).toHaveLength(9);
    expect(size, `seed ${seed}`).toEqual(found.core === undefined ? expect.stringMatching(/^PK/) : found.core.size);
  }
  // Neither so much damage that nothing is looked into, nor so little that nothing is refused.
  expect(Math.min(counts.known, counts.refused)).toBeGreaterThan(runs / 10);
});
