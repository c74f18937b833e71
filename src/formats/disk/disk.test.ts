import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { imageFile } from '../../../test/formats/image-file.ts';
import { digestOf } from '../../base/digest.ts';
import { PortkitError } from '../../base/errors.ts';
import type { ImageReader } from '../file-tree.ts';
import type { DiskOptions, PartitionOptions } from './plan.ts';
import { planDisk } from './plan.ts';
import { readDisk } from './read.ts';
import { headerCrc } from './table.ts';
import { partitionTypes } from './types.ts';
import type { OpenPartition } from './write.ts';
import { diskStream, writeDisk } from './write.ts';

const { signal } = new AbortController();
const mebibyte = 2 ** 20;

function part(content: Buffer, rest: Partial<PartitionOptions> = {}): PartitionOptions {
  return { contentSize: content.length, identity: digestOf(content), type: 'linux', ...rest };
}

const images = [Buffer.alloc(3 * mebibyte + 100, 'root'), Buffer.alloc(5000, 'hash'), Buffer.alloc(2 * mebibyte)];
const zoo: DiskOptions = {
  partitions: [
    part(images[0] as Buffer, { type: 'root-x86-64', name: 'root ä 🐧', attributes: ['read-only', 'required', 'no-auto'] }),
    part(images[1] as Buffer, { type: 'root-x86-64-verity', size: mebibyte, uuid: '01234567-89AB-4def-8123-456789abcdef' }),
    part(images[2] as Buffer, { type: 'c12a7328-F81F-11d2-ba4b-00a0c93ec93b', name: 'x'.repeat(36) }),
  ],
};

const open: OpenPartition = async ({ number }) => chunks(images[number - 1] as Buffer);

async function* chunks(bytes: Buffer): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += 100_000) yield bytes.subarray(at, at + 100_000);
}

async function bytesOf(options: DiskOptions): Promise<Buffer> {
  return Buffer.concat(await Array.fromAsync(diskStream(planDisk(options), open, signal)));
}

function reader(bytes: Buffer): ImageReader {
  return {
    size: bytes.length,
    read(position, length) {
      if (position + length > bytes.length) throw new PortkitError('PK3301', 'It ends before');
      return bytes.subarray(position, position + length);
    },
  };
}

function judged(tool: string): boolean {
  const there = spawnSync(tool, ['--version']).error === undefined;
  if (!there) process.stderr.write(`skipped: ${tool} is not installed (apt-get install gdisk fdisk)\n`);
  return there;
}

async function inFile(options: DiskOptions, use: (path: string) => void): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'portkit-disk-'));
  try {
    const path = join(folder, 'disk.img');
    const image = imageFile(path);
    await writeDisk(planDisk(options), open, { image, signal });
    image.close();
    use(path);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

describe('a disk image', () => {
  test('is read back as it was planned, and has the images at their places', async () => {
    const table = planDisk(zoo);
    const bytes = await bytesOf(zoo);
    expect(readDisk(reader(bytes))).toEqual(table);
    expect(table.partitions.map(({ first, last }) => [first, last])).toEqual([
      [2048, 10_239],
      [10_240, 12_287],
      [12_288, 16_383],
    ]);
    expect(bytes.length).toBe(9 * mebibyte);
    for (const [at, image] of images.entries())
      expect(
        bytes
          .subarray((table.partitions[at]?.first ?? 0) * 512)
          .subarray(0, image.length)
          .equals(image),
      ).toBe(true);
    for (const { uuid } of table.partitions.filter((_, at) => at !== 1)) expect(uuid).toMatch(/^.{14}8.{4}[89ab]/);
  });

  test('has the same bytes everywhere', async () => {
    expect(digestOf(await bytesOf(zoo))).toBe('sha256:a99f8e1b979a4a148e20706c879725653555e7f9f2960b78a7e877361fa62a6d');
  });

  test('in a file is the same, with holes', async () => {
    const bytes = await bytesOf(zoo);
    await inFile(zoo, (path) => {
      expect(readFileSync(path).equals(bytes)).toBe(true);
      expect(statSync(path).blocks * 512).toBeLessThan(4 * mebibyte);
    });
  });

  test('has other GUIDs when anything is other, and those given as they are', () => {
    const first = part(images[1] as Buffer);
    const uuids = (options: DiskOptions): readonly string[] => {
      const { uuid, partitions } = planDisk(options);
      return [uuid, ...partitions.map((partition) => partition.uuid)];
    };
    const variants: readonly DiskOptions[] = [
      { partitions: [first] },
      { partitions: [first, first] },
      { partitions: [{ ...first, identity: 'other' }] },
      { partitions: [{ ...first, name: 'a' }] },
      { partitions: [{ ...first, type: 'esp' }] },
      { partitions: [{ ...first, attributes: ['no-auto'] }] },
      { partitions: [{ ...first, size: 8192 * 2 }] },
      { partitions: [first], size: 8 * mebibyte },
    ];
    const all = variants.flatMap(uuids);
    expect(new Set(all).size).toBe(all.length);
    const uuid = 'fedcba98-7654-4321-8fed-cba987654321';
    expect(planDisk({ partitions: [first], uuid: uuid.toUpperCase() }).uuid).toBe(uuid);
  });

  test.each<[string, DiskOptions]>([
    ['no partitions', { partitions: [] }],
    ['too many partitions', { partitions: Array.from({ length: 129 }, () => part(Buffer.of(1))) }],
    ['an unknown type', { partitions: [part(Buffer.of(1), { type: 'constructor' })] }],
    ['the type of nothing', { partitions: [part(Buffer.of(1), { type: '00000000-0000-0000-0000-000000000000' })] }],
    ['a long name', { partitions: [part(Buffer.of(1), { name: '🐧'.repeat(19) })] }],
    ['half a character', { partitions: [part(Buffer.of(1), { name: '\ud83d' })] }],
    ['an unknown attribute', { partitions: [part(Buffer.of(1), { attributes: ['toString'] })] }],
    ['a wrong UUID', { partitions: [part(Buffer.of(1), { uuid: '0123' })] }],
    [
      'the same UUID twice',
      { partitions: [0, 1].map(() => part(Buffer.of(1), { uuid: '01234567-89ab-4def-8123-456789abcdef' })) },
    ],
    ['a partition too small', { partitions: [part(Buffer.alloc(5000), { size: 4096 })] }],
    ['a partition of half blocks', { partitions: [part(Buffer.of(1), { size: 5000 })] }],
    ['a disk too small', { partitions: [part(Buffer.of(1))], size: mebibyte }],
    ['a disk of half sectors', { partitions: [part(Buffer.of(1))], size: 8 * mebibyte + 1 }],
  ])('with %s is refused', (_, options) => {
    expect(() => planDisk(options)).toThrow(expect.objectContaining({ code: 'PK3751' }));
  });

  test('with an image larger than told is refused', async () => {
    const table = planDisk({ partitions: [part(Buffer.of(1))] });
    await expect(Array.fromAsync(diskStream(table, open, signal))).rejects.toMatchObject({ code: 'PK3751' });
  });
});

describe('other programs', () => {
  test.skipIf(!judged('sgdisk'))('sgdisk finds no problems, and the same partitions', async () => {
    for (const options of [zoo, { partitions: zoo.partitions.slice(0, 1), size: 5.5 * mebibyte }])
      await inFile(options, (path) => {
        const said = execFileSync('sgdisk', ['-v', path], { encoding: 'utf8' });
        expect(said).toMatch(/No problems found/);
        expect(said).not.toMatch(/caution|warning|problem:/i);
        const { uuid, partitions } = planDisk(options);
        const info = execFileSync('sgdisk', ['-i', '1', path], { encoding: 'utf8' }).toLowerCase();
        expect(info).toContain(partitions[0]?.uuid);
        expect(info).toContain("name: 'root ä");
        expect(info).toContain('attribute flags: 9000000000000001');
        expect(execFileSync('sgdisk', ['-p', path], { encoding: 'utf8' }).toLowerCase()).toContain(uuid);
      });
  });

  test.skipIf(!judged('sfdisk'))('sfdisk is silent, and knows the types', async () => {
    await inFile(zoo, (path) => {
      const { status, stdout, stderr } = spawnSync('sfdisk', ['-V', '--quiet', path], { encoding: 'utf8' });
      expect([status, stdout, stderr]).toEqual([0, '', '']);
    });
    const known = execFileSync('sfdisk', ['-T', '-X', 'gpt'], { encoding: 'utf8' }).toLowerCase();
    for (const guid of Object.values(partitionTypes)) expect(known).toContain(guid);
  });

  test('the kernel has the partitions that partx finds', async ({ skip }) => {
    await inFile(zoo, (path) => {
      const { status, stdout } = spawnSync('losetup', ['--find', '--show', '--read-only', path], {
        encoding: 'utf8',
      });
      if (status !== 0) skip('no loop devices here');
      const device = stdout.trim();
      try {
        // A kernel that is built without GPT is told by partx.
        execFileSync('partx', ['--add', device]);
        const [, name = ''] = /\/dev\/(loop\d+)$/.exec(device) ?? [];
        const sizes = [1, 2, 3].map((number) => Number(readFileSync(`/sys/block/${name}/${name}p${number}/size`, 'utf8')));
        expect(sizes).toEqual([8192, 2048, 4096]);
      } finally {
        spawnSync('partx', ['--delete', device]);
        execFileSync('losetup', ['--detach', device]);
      }
    });
  });
});

/** A disk with other bytes at a place of its first header or first entries, and all checksums made right again if asked. */
async function damaged(at: number, value: number, sealed: boolean): Promise<Buffer> {
  const bytes = await bytesOf({ partitions: images.slice(0, 2).map((image) => part(image)) });
  bytes[at] = value;
  if (!sealed) return bytes;
  for (const [head, entries] of [
    [512, 1024],
    [bytes.length - 512, bytes.length - 512 * 33],
  ] as const) {
    if (entries !== 1024 && at >= 1024) bytes[entries + at - 1024] = value;
    bytes.writeUInt32LE(crc32(bytes.subarray(entries, entries + 16_384)), head + 88);
    bytes.writeUInt32LE(headerCrc(bytes.subarray(head, head + 512)), head + 16);
  }
  return bytes;
}

describe('a hostile disk image', () => {
  test.each([
    ['no MBR', 511, 0, false, /no MBR/],
    ['a real MBR', 450, 0x83, false, /does not protect/],
    ['no header', 512, 0, false, /is none/],
    ['another revision', 520, 1, true, /unknown form/],
    ['a damaged header', 560, 1, false, /checksum/],
    ['damaged entries', 1100, 1, false, /checksum/],
    ['a header elsewhere', 536, 2, true, /out of place/],
    ['a second header elsewhere', 544, 2, true, /out of place/],
    ['partitions over the header', 552, 0, true, /reach into/],
    ['partitions past the end', 567, 1, true, /no room/],
    ['two identities', 568, 1, true, /do not say the same/],
    ['entries far away', 590, 1, true, /reach into/],
    ['entries in the header', 584, 1, true, /where its header/],
    ['a million entries', 594, 9, true, /unknown form/],
    ['large entries', 597, 1, true, /unknown form/],
    ['a partition that ends before it begins', 1024 + 41, 0, true, /out of place/],
    ['a partition past the end', 1024 + 46, 1, true, /out of place/],
    ['overlapping partitions', 1024 + 128 + 33, 8, true, /overlap/],
    ['half a character in a name', 1024 + 57, 0xd8, true, /no UTF-16/],
  ])('with %s is refused', async (_, at, value, sealed, why) => {
    const bytes = await damaged(at, value, sealed);
    expect(() => readDisk(reader(bytes))).toThrow(
      expect.objectContaining({ code: 'PK3752', message: expect.stringMatching(why) }),
    );
  });

  test('of any length and with any damage is read or refused', async () => {
    const bytes = await bytesOf({ partitions: [part(images[0] as Buffer)] });
    const edits = fc.array(fc.tuple(fc.nat({ max: 1400 }), fc.nat({ max: 255 }), fc.boolean()), { maxLength: 3 });
    let refused = 0;
    fc.assert(
      fc.property(edits, fc.option(fc.nat({ max: bytes.length })), (changes, length) => {
        const copy = Buffer.from(bytes.subarray(0, length ?? bytes.length));
        for (const [at, value] of changes) if (at < copy.length) copy[at] = value;
        if (copy.length > 1024) copy.writeUInt32LE(headerCrc(copy.subarray(512, 1024)), 528);
        try {
          readDisk(reader(copy));
        } catch (error) {
          refused++;
          expect(error).toMatchObject({ code: 'PK3752' });
        }
      }),
      { numRuns: 150 },
    );
    expect(refused).toBeGreaterThan(50);
  });
});
