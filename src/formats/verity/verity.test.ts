import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { digestOf } from '../../base/digest.ts';
import type { VerityOptions } from './options.ts';
import { verityParameters } from './options.ts';
import { verityImage, verityRootHash, verityTree } from './write.ts';

/** An image in which every block but each third, of zeros, is another one. */
function imageOf(blocks: number): Buffer {
  const bytes = Buffer.alloc(blocks * 4096);
  for (let at = 0; at < blocks; at++) if (at % 3 !== 2) bytes.fill(`block ${at} `, at * 4096, (at + 1) * 4096);
  return bytes;
}

function optionsOf(image: Buffer, rest: Partial<VerityOptions> = {}): VerityOptions {
  return { size: image.length, identity: digestOf(image), ...rest };
}

async function* pieces(bytes: Buffer, size = 10_000): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

async function hashImage(image: Buffer, options = optionsOf(image)): Promise<Buffer> {
  return Buffer.concat(await Array.fromAsync(verityTree(pieces(image), options)));
}

const uuid = '01234567-89ab-4def-8123-456789abcdef';
const there = spawnSync('veritysetup', ['--version']).error === undefined;
if (!there) process.stderr.write('skipped: veritysetup is not installed (apt-get install cryptsetup-bin)\n');

/** Files by name in a folder that is gone afterwards. */
async function withFiles(files: Readonly<Record<string, Buffer>>, use: (folder: string) => void | Promise<void>): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'portkit-verity-'));
  try {
    for (const [name, bytes] of Object.entries(files)) writeFileSync(join(folder, name), bytes);
    await use(folder);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

describe('a hash tree', () => {
  test.skipIf(!there).each([
    [1, undefined],
    [2, ''],
    [127, 'ab'],
    [128, undefined],
    [129, 'f0'.repeat(256)],
    [1000, undefined],
    [128 * 128, '00ff'],
    [128 * 128 + 1, undefined],
  ])('of %i blocks is byte for byte the one of veritysetup', async (blocks, salt) => {
    const image = imageOf(blocks);
    const options = optionsOf(image, { uuid, ...(salt === undefined ? {} : { salt }) });
    const used = verityParameters(options).salt.toString('hex');
    await withFiles({ data: image }, async (folder) => {
      const args = ['format', '--uuid', uuid, '--salt', used === '' ? '-' : used, join(folder, 'data'), join(folder, 'hash')];
      const told = execFileSync('veritysetup', args, { encoding: 'utf8' });
      expect(told).toContain(await verityRootHash(pieces(image), options));
      const [ours, theirs] = [await hashImage(image, options), readFileSync(join(folder, 'hash'))];
      expect(ours.equals(theirs)).toBe(true);
    });
  });

  test.skipIf(!there)('is verified by veritysetup, until a bit is another one', async () => {
    const image = imageOf(300);
    const root = await verityRootHash(pieces(image), optionsOf(image));
    const hash = await hashImage(image);
    const whole = Buffer.concat(await Array.fromAsync(verityImage(pieces(image), optionsOf(image))));
    expect(whole.equals(Buffer.concat([image, hash]))).toBe(true);
    const flipped = (bytes: Buffer, at: number): Buffer => {
      const copy = Buffer.from(bytes);
      copy.writeUInt8(copy.readUInt8(at) ^ 4, at);
      return copy;
    };
    const files = { data: image, hash, whole, badData: flipped(image, 700_001), badHash: flipped(hash, 4096 + 5) };
    await withFiles(files, (folder) => {
      const verify = (data: string, tree: string, ...rest: readonly string[]): string => {
        const args = ['verify', join(folder, data), join(folder, tree), ...rest];
        const { status, stderr } = spawnSync('veritysetup', args, { encoding: 'utf8' });
        return `${status} ${stderr}`;
      };
      expect(verify('data', 'hash', root)).toBe('0 ');
      expect(verify('whole', 'whole', root, `--hash-offset=${image.length}`)).toBe('0 ');
      expect(verify('badData', 'hash', root)).toMatch(/^[12] Verification/);
      expect(verify('data', 'badHash', root)).toMatch(/^[12] Verification/);
      expect(verify('data', 'hash', `${root.startsWith('0') ? '1' : '0'}${root.slice(1)}`)).toMatch(/^[12] Verification/);
    });
  });

  test('has the same bytes everywhere, however the data comes', async () => {
    const image = imageOf(300);
    expect(await verityRootHash(pieces(image), optionsOf(image))).toBe(
      'c367cb371610a3dbcafa52578aeda40fd951368b482df7717c41ba741d93493c',
    );
    expect(digestOf(await hashImage(image))).toBe('sha256:970607f1ee7ae2e8d5dd2f905047ee5f7cc06b491b105b786cb696f6cbb6abc7');
    const small = imageOf(5);
    const root = await verityRootHash(pieces(small), optionsOf(small));
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 1, max: 20_480 }), async (size) => {
        expect(await verityRootHash(pieces(small, size), optionsOf(small))).toBe(root);
      }),
      { numRuns: 30 },
    );
  });

  test('has salt and UUID of its data', () => {
    const [one, other] = ['one', 'other'].map((identity) => verityParameters({ size: 4096, identity }));
    expect(one?.salt.equals(other?.salt ?? Buffer.of())).toBe(false);
    expect(one?.uuid.equals(other?.uuid ?? Buffer.of())).toBe(false);
    expect(one?.uuid.toString('hex')).toMatch(/^.{12}8.{3}[89ab]/);
  });

  test.each<[string, Partial<VerityOptions>]>([
    ['no data', { size: 0 }],
    ['half a block', { size: 4096 + 512 }],
    ['too much data', { size: 2 ** 34 + 4096 }],
    ['a salt that is no hex', { salt: 'xy' }],
    ['half a byte of salt', { salt: 'abc' }],
    ['too much salt', { salt: '00'.repeat(257) }],
    ['a wrong UUID', { uuid: '1234' }],
    ['more data than told', { size: 4096 }],
    ['less data than told', { size: 3 * 4096 }],
  ])('with %s is refused', async (_, wrong) => {
    const image = imageOf(2);
    await expect(verityRootHash(pieces(image), optionsOf(image, wrong))).rejects.toMatchObject({ code: 'PK3753' });
  });
});
