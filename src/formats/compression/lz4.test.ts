import fc from 'fast-check';
import { expect, test } from 'vitest';
import { pack } from '../../../test/kernels/samples.ts';
import { PortkitError } from '../../base/errors.ts';
import { decompress } from './decompress.ts';

const limits = { bytes: 2 ** 25, ratio: 10_000, free: 2 ** 20 };
const { signal } = new AbortController();

async function unpack(packed: Uint8Array, most = limits): Promise<Buffer> {
  async function* source(): AsyncGenerator<Uint8Array> {
    for (let at = 0; at < packed.length; at += 1000) yield packed.subarray(at, at + 1000);
  }
  const noXz = (): never => {
    throw new Error('This is not xz');
  };
  const parts: Uint8Array[] = [];
  for await (const part of decompress(source(), { format: 'lz4', limits: most, unxz: noXz }, signal))
    parts.push(Buffer.from(part));
  return Buffer.concat(parts);
}

/** A stream of one block. */
function stream(...block: readonly number[]): Buffer {
  return Buffer.from([0x02, 0x21, 0x4c, 0x18, block.length, 0, 0, 0, ...block]);
}

const letters = (text: string): number[] => [...Buffer.from(text)];

test('a legacy LZ4 stream is unpacked: literals, repetitions that overlap, long lengths', async () => {
  // "ab", then 8 bytes from 2 back, then the literal "c": worked out by hand from the description of the format.
  expect((await unpack(stream(0x24, ...letters('ab'), 2, 0, 0x10, ...letters('c')))).toString()).toBe('abababababc');
  expect(await unpack(stream(0x1f, 65, 1, 0, 255, 1, 0x10, 66))).toEqual(Buffer.from('A' + 'A'.repeat(15 + 255 + 1 + 4) + 'B'));
});

test('what the program lz4 made is unpacked', async () => {
  // printf 'kernel kernel kernel kernel kernel kernel, and the end\n' | lz4 -l -c -9 | base64
  const packed = Buffer.from('AiFMGBoAAAB/a2VybmVsIAcAD+AsIGFuZCB0aGUgZW5kCg==', 'base64');
  expect((await unpack(packed)).toString()).toBe('kernel kernel kernel kernel kernel kernel, and the end\n');
});

test('streams of several blocks, and one behind the other', async () => {
  const bytes = Buffer.alloc(9 * 2 ** 20, 'block');
  bytes.fill(0, 2 ** 20, 8.5 * 2 ** 20);
  const packed = pack(bytes, 'lz4');
  expect((await unpack(packed)).equals(bytes)).toBe(true);
  expect((await unpack(Buffer.concat([pack(Buffer.from('one'), 'lz4'), pack(Buffer.from('two'), 'lz4')]))).toString()).toBe(
    'onetwo',
  );
});

test.each([
  ['another beginning', Buffer.from('04224d18', 'hex')],
  ['no beginning', Buffer.from([2, 0x21])],
  ['a cut size', stream().subarray(0, 6)],
  ['an empty block', stream()],
  ['a cut block', stream(0x10, 65).subarray(0, 9)],
  ['a block that is too large', Buffer.from('02214c18ffffff7f', 'hex')],
  ['literals beyond the block', stream(0x40, 65)],
  ['no end of a length', stream(0xf0, 255, 255)],
  ['no place to repeat from', stream(0x14, 65, 1)],
  ['a place before the beginning', stream(0x14, 65, 2, 0, 0x10, 66)],
  ['a place of zero', stream(0x14, 65, 0, 0, 0x10, 66)],
  ['more than a block gives', stream(0x1f, 65, 1, 0, ...Array.from({ length: 33_000 }, () => 255), 0)],
])('%s is refused', async (_, packed) => {
  const size = packed.length - 8;
  if (size > 255) packed.writeUInt32LE(size, 4);
  await expect(unpack(packed)).rejects.toMatchObject({ code: 'PK3304' });
});

test('the limits hold', async () => {
  const packed = pack(Buffer.alloc(3 * 2 ** 20), 'lz4');
  await expect(unpack(packed, { ...limits, bytes: 2 ** 20 })).rejects.toMatchObject({ code: 'PK3303' });
  await expect(unpack(packed, { ...limits, ratio: 10 })).rejects.toMatchObject({ code: 'PK3303' });
});

test('whatever is damaged is unpacked to something or refused', async () => {
  const packed = pack(Buffer.from('some text, some text, some text, and aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa'.repeat(3)), 'lz4');
  await fc.assert(
    fc.asyncProperty(fc.nat(packed.length - 1), fc.nat(255), async (at, value) => {
      const bytes = Buffer.from(packed);
      bytes[at] = value;
      await unpack(bytes).catch((error: unknown) => expect(error).toBeInstanceOf(PortkitError));
    }),
    { numRuns: 500 },
  );
});
