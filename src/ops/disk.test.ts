import { describe, expect, test } from 'vitest';
import { blob, bytesOf, context, createWorld, run, tree } from '../../test/ops/world.ts';
import { readDisk } from '../formats/disk/read.ts';
import { verityRootHash } from '../formats/verity/write.ts';
import type { VeritySpec } from '../graph/disk-ops.ts';
import { diskOp } from './disk.ts';
import { verityOp } from './verity.ts';

const failsWith = (code: string): unknown => ({ ok: false, failure: expect.objectContaining({ code }) });
const image = Buffer.alloc(300 * 4096, 'image ');

describe('disk', () => {
  test('has the images in its partitions', async () => {
    const world = createWorld();
    const [root, hash] = [await blob(world, image), await blob(world, 'small')];
    const op = diskOp(
      {
        type: 'disk',
        partitions: [
          { from: 1, type: 'linux', name: 'hash' },
          { from: 0, type: 'root-arm64', attributes: ['read-only'] },
        ],
        size: 2 ** 23,
      },
      world,
    );
    const outcome = await op.run([root, hash], context);
    const bytes = bytesOf(world, outcome.ok ? outcome.outputs[0] : undefined);
    const table = readDisk({ size: bytes.length, read: (at, length) => bytes.subarray(at, at + length) });
    expect(bytes.length).toBe(2 ** 23);
    expect(table.partitions).toMatchObject([
      { name: 'hash', first: 2048, last: 4095 },
      { first: 4096, attributes: [60] },
    ]);
    expect(bytes.toString('latin1', 2 ** 20, 2 ** 20 + 6)).toBe('small\0');
    expect(bytes.subarray(2 ** 21, 2 ** 21 + image.length).equals(image)).toBe(true);
  });

  test('fails in words of its own', async () => {
    const world = createWorld();
    const of = (type: string, from = 0): ReturnType<typeof diskOp> =>
      diskOp({ type: 'disk', partitions: [{ from, type }] }, world);
    expect(await run(of('ntfs'), await blob(world, 'x'))).toEqual(failsWith('PK3751'));
    expect(await run(of('linux', 1), await blob(world, 'x'))).toEqual(failsWith('PK3306'));
    expect(await run(of('linux'), await tree(world, {}))).toEqual(failsWith('PK3306'));
  });

  test('tells everything that decides its bytes', async () => {
    const world = createWorld();
    const part = { from: 0, type: 'linux' };
    const specs = [
      { partitions: [part] },
      { partitions: [part, part] },
      { partitions: [{ ...part, from: 1 }] },
      { partitions: [{ ...part, type: 'esp' }] },
      { partitions: [{ ...part, name: 'a' }] },
      { partitions: [{ ...part, uuid: 'a' }] },
      { partitions: [{ ...part, attributes: ['a'] }] },
      { partitions: [{ ...part, size: 4096 }] },
      { partitions: [part], uuid: 'a' },
      { partitions: [part], size: 4096 },
    ];
    const facts = await Promise.all(specs.map(async (spec) => await diskOp({ type: 'disk', ...spec }, world).facts(context)));
    expect(new Set(facts.map((one) => JSON.stringify(one))).size).toBe(specs.length);
  });
});

describe('verity', () => {
  async function made(rest: Omit<VeritySpec, 'type'>): Promise<Buffer> {
    const world = createWorld();
    const outcome = await run(verityOp({ type: 'verity', ...rest }, world), await blob(world, image));
    return bytesOf(world, outcome.ok ? outcome.outputs[0] : undefined);
  }

  test('is the hash tree, the image with it, or the root hash', async () => {
    const [hashes, whole, root] = [await made({}), await made({ output: 'image' }), await made({ output: 'root-hash' })];
    expect(hashes.length).toBe(5 * 4096);
    expect(whole.equals(Buffer.concat([image, hashes]))).toBe(true);
    expect(root.toString()).toMatch(/^[0-9a-f]{64}\n$/);
    const salted = await made({ output: 'root-hash', salt: 'ab' });
    const data = (async function* () {
      yield image;
    })();
    expect(salted.toString()).toBe(`${await verityRootHash(data, { size: image.length, identity: '', salt: 'ab' })}\n`);
    expect(salted.equals(root)).toBe(false);
  });

  test('fails in words of its own', async () => {
    const world = createWorld();
    expect(await run(verityOp({ type: 'verity' }, world), await blob(world, 'x'))).toEqual(failsWith('PK3753'));
    expect(await run(verityOp({ type: 'verity' }, world), await tree(world, {}))).toEqual(failsWith('PK3306'));
  });

  test('tells everything that decides its bytes', async () => {
    const world = createWorld();
    const specs = [{}, { output: 'image' }, { output: 'root-hash' }, { salt: '' }, { salt: 'ab' }, { uuid: 'a' }] as const;
    const facts = await Promise.all(specs.map(async (spec) => await verityOp({ type: 'verity', ...spec }, world).facts(context)));
    expect(new Set(facts.map((one) => JSON.stringify(one))).size).toBe(specs.length);
  });
});
