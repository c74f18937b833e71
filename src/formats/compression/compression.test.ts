import { execFileSync, spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { gunzipSync, gzipSync, zstdCompressSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { PortkitError } from '../../base/errors.ts';
import { byteReader } from '../byte-reader.ts';
import { compress, levelOf } from './compress.ts';
import type { Compression } from './compress.ts';
import { decompress, decompressMember, defaultDecompressLimits, detectCompression } from './decompress.ts';
import type { DecompressLimits, Unxz } from './decompress.ts';
import { gzip, gzipPiece } from './gzip.ts';

const signal = new AbortController().signal;

// oxlint-disable-next-line require-await -- a stream
async function* chunks(bytes: Uint8Array, size = bytes.length): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

async function collect(stream: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const parts: Uint8Array[] = [];
  for await (const part of stream) parts.push(part);
  return Buffer.concat(parts);
}

async function* noXz(source: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  for await (const bytes of source) yield bytes.toReversed();
}

function unpack(
  bytes: Uint8Array,
  {
    format = 'gzip',
    size = bytes.length,
    unxz = noXz,
    ...limits
  }: { format?: 'gzip' | 'zstd' | 'xz'; size?: number; unxz?: Unxz } & Partial<DecompressLimits>,
): Promise<Buffer> {
  return collect(
    decompress(chunks(bytes, Math.max(size, 1)), { format, unxz, limits: { ...defaultDecompressLimits, ...limits } }, signal),
  );
}

function codeOf(error: unknown): string {
  if (error instanceof PortkitError) return error.code;
  throw error;
}

/** Bytes that compress, with long and short repetitions. */
const samples = fc
  .tuple(fc.array(fc.tuple(fc.uint8Array({ minLength: 1, maxLength: 40 }), fc.nat(3000)), { maxLength: 5 }))
  .map(([parts]) => Buffer.concat(parts.flatMap(([bytes, times]) => Array.from({ length: times }, () => bytes))));

describe.each(['gzip', 'zstd'] as const)('%s', (format) => {
  const pack = format === 'gzip' ? gzipSync : zstdCompressSync;

  test('is the same bytes however it is fed, and comes back', async () => {
    await fc.assert(
      fc.asyncProperty(
        samples,
        fc.integer({ min: 1, max: 200_000 }),
        fc.integer({ min: 1, max: 9 }),
        async (bytes, size, level) => {
          const one = await collect(compress(chunks(bytes), { format, level }, signal));
          expect(await collect(compress(chunks(bytes, size), { format, level }, signal))).toEqual(one);
          expect((await unpack(one, { format, size: 1000 })).equals(bytes)).toBe(true);
        },
      ),
      { numRuns: 40 },
    );
  });

  test('takes chunks that come one in the place of the other', async () => {
    const bytes = randomBytes(3_000_000);
    // oxlint-disable-next-line require-await -- a stream
    async function* inPlace(): AsyncGenerator<Uint8Array> {
      const room = Buffer.alloc(100_003);
      for (let at = 0; at < bytes.length; at += room.length) {
        room.fill(0);
        yield room.subarray(0, bytes.copy(room, 0, at));
      }
      room.fill(0);
    }
    expect((await unpack(await collect(compress(inPlace(), { format }, signal)), { format })).equals(bytes)).toBe(true);
  });

  test('its own program reads it', async () => {
    const bytes = Buffer.from('some text\n'.repeat(30_000));
    const packed = await collect(compress(chunks(bytes, 999), { format }, signal));
    expect(packed.length).toBeLessThan(bytes.length / 50);
    expect(execFileSync(format, ['-dc'], { input: packed, maxBuffer: 2 ** 20 }).equals(bytes)).toBe(true);
    expect(
      execFileSync(format, ['-dc'], { input: await collect(compress(chunks(Buffer.alloc(0)), { format }, signal)) }),
    ).toHaveLength(0);
  });

  test('every member is read, and nothing else may stand behind', async () => {
    const two = Buffer.concat([pack(Buffer.from('one')), pack(Buffer.from('two'))]);
    for (const size of [1, 7, 1000]) {
      expect((await unpack(two, { format, size })).toString()).toBe('onetwo');
      for (const tail of [Buffer.alloc(100), Buffer.from('garbage'), two.subarray(0, -3), two.subarray(0, 5)]) {
        expect(await unpack(Buffer.concat([two, tail]), { format, size }).then(() => 'read', codeOf)).toBe('PK3304');
      }
    }
    expect(await unpack(Buffer.alloc(0), { format }).then(() => 'read', codeOf)).toBe('PK3304');
  });

  test('damage is an error, or harmless', async () => {
    const good = await collect(compress(chunks(Buffer.from('some text '.repeat(100))), { format }, signal));
    const outcomes = new Set<string>();
    for (let at = 0; at < good.length; at++) {
      const bad = Buffer.from(good);
      bad[at] = (bad[at] ?? 0) ^ 0x10;
      const outcome = await unpack(bad, { format }).then((bytes) => bytes.toString(), codeOf);
      outcomes.add(outcome);
    }
    outcomes.delete('some text '.repeat(100));
    expect([...outcomes]).toEqual(['PK3304']);
  });

  test('stops at its limits', async () => {
    const zeros = pack(Buffer.alloc(3_000_000));
    expect(await unpack(zeros, { format, bytes: 2_999_999 }).then(() => 'read', codeOf)).toBe('PK3303');
    expect(await unpack(zeros, { format, bytes: 3_000_000, ratio: 2 })).toHaveLength(3_000_000);
  });

  test('a bomb is stopped by its ratio', async () => {
    const bomb = pack(Buffer.alloc(2 ** 22));
    const limits = { ...defaultDecompressLimits, ratio: 900, free: 2 ** 24 };
    let given = 0;
    const reading = (async () => {
      const members = chunks(Buffer.concat(Array.from({ length: 6 }, () => bomb)), 4096);
      for await (const bytes of decompress(members, { format, unxz: noXz, limits }, signal)) given += bytes.length;
    })();
    expect(await reading.then(() => 'read', codeOf)).toBe('PK3303');
    expect(given).toBeGreaterThanOrEqual(2 ** 24);
    expect(given).toBeLessThan(20_000_000);
  });

  test('gives its source back when the reader leaves, and hands on what the source throws', async () => {
    let returned = 0;
    async function* source(bytes: Uint8Array, broken: boolean): AsyncGenerator<Uint8Array> {
      try {
        yield* chunks(bytes, 1000);
        if (broken) throw new PortkitError('PK2001', 'broken');
      } finally {
        returned++;
      }
    }
    const packed = pack(Buffer.alloc(2 ** 20, 'abcdefghij'));
    for await (const bytes of decompress(
      source(packed, false),
      { format, unxz: noXz, limits: defaultDecompressLimits },
      signal,
    )) {
      expect(bytes.length).toBeGreaterThan(0);
      break;
    }
    await expect(
      collect(decompress(source(packed.subarray(0, -1), true), { format, unxz: noXz, limits: defaultDecompressLimits }, signal)),
    ).rejects.toMatchObject({ code: 'PK2001' });
    await expect(collect(compress(source(packed, true), { format }, signal))).rejects.toMatchObject({ code: 'PK2001' });
    expect(returned).toBe(3);
  });

  test('ends when it is cancelled', async () => {
    const controller = new AbortController();
    // oxlint-disable-next-line require-await -- a stream
    async function* endless(): AsyncGenerator<Uint8Array> {
      for (let at = 0; ; at++) {
        if (at === 50) controller.abort(new PortkitError('PK9001', 'Cancelled'));
        yield Buffer.alloc(2 ** 16, `${at}`);
      }
    }
    await expect(collect(compress(endless(), { format }, controller.signal))).rejects.toMatchObject({ code: 'PK9001' });
  });
});

describe('a gzip of several pieces', () => {
  const content = Buffer.concat(Array.from({ length: 250_000 }, (_, at) => Buffer.from(`line ${at * 7919}\n`)));
  const sizes = [0, 1, gzipPiece - 1, gzipPiece, gzipPiece + 1, 3 * gzipPiece, content.length];

  test.each(sizes)('of %i bytes is the same, however many are made at once', async (size) => {
    const bytes = content.subarray(0, size);
    const one = await collect(gzip(chunks(bytes), { level: 1, atOnce: 1 }, signal));
    for (const atOnce of [2, 7, 100]) {
      const other = await collect(gzip(chunks(bytes, 99_991), { level: 1, atOnce }, signal));
      expect(other.equals(one)).toBe(true);
    }
    expect(execFileSync('gzip', ['-dc'], { input: one, maxBuffer: 2 ** 24 }).equals(bytes)).toBe(true);
    expect(gunzipSync(one).equals(bytes)).toBe(true);
    const reader = byteReader(chunks(Buffer.concat([one, Buffer.from('behind')])));
    const help = { format: 'gzip' as const, unxz: noXz, limits: defaultDecompressLimits };
    expect((await collect(decompressMember(reader, help, signal))).equals(bytes)).toBe(true);
    expect((await reader.take(100)).toString()).toBe('behind');
  });

  test('may be made of what does not compress', async () => {
    const bytes = randomBytes(2 * gzipPiece + 5);
    for (const level of [1, 6, 9]) {
      const packed = await collect(gzip(chunks(bytes, 65_536), { level }, signal));
      expect(gunzipSync(packed).equals(bytes)).toBe(true);
      expect(packed.length).toBeLessThan(bytes.length * 1.002);
    }
  });

  test('is stopped while pieces are made, and closes its source', async () => {
    const controller = new AbortController();
    let closed = false;
    async function* source(): AsyncGenerator<Uint8Array> {
      try {
        yield* chunks(content, 65_536);
      } finally {
        closed = true;
      }
    }
    const reading = (async () => {
      for await (const bytes of gzip(source(), { level: 9 }, controller.signal)) if (bytes.length > 10) controller.abort();
    })();
    await expect(reading).rejects.toThrow('aborted');
    expect(closed).toBe(true);
  });
});

describe('one gzip member', () => {
  const member = async (bytes: Uint8Array): Promise<string> => {
    const reader = byteReader(chunks(bytes));
    const help = { format: 'gzip' as const, unxz: noXz, limits: defaultDecompressLimits };
    const content = await collect(decompressMember(reader, help, signal));
    return `${content.toString()}|${(await reader.take(100)).toString()}`;
  };
  const body = gzipSync('text').subarray(10);
  const head = (flags: number, rest = ''): Buffer =>
    Buffer.from(`1f8b08${flags.toString(16).padStart(2, '0')}0000000000ff${rest}`, 'hex');

  test('may have names, comments and more before it', async () => {
    expect(await member(Buffer.concat([head(1 | 2 | 4 | 8 | 16, '020061626e0063001234'), body, Buffer.from('x')]))).toBe(
      'text|x',
    );
    expect(await member(Buffer.concat([head(0), body]))).toBe('text|');
  });

  test.each([
    ['unknown flags', Buffer.concat([head(0x20), body])],
    ['another method', Buffer.concat([Buffer.from('1f8b0700000000000000', 'hex'), body])],
    ['a cut header', head(0).subarray(0, 9)],
    ['a cut extra field', head(4, 'ffff00')],
    ['a name without end', Buffer.concat([head(8), Buffer.alloc(2 ** 16 + 1, 'n'), body])],
    ['a name that is cut off', head(8, '6e6e')],
    ['a wrong sum', Buffer.concat([head(0), body.subarray(0, -8), Buffer.from([0, 0, 0, 0, 4, 0, 0, 0])])],
    ['a wrong size', Buffer.concat([head(0), body.subarray(0, -4), Buffer.from([5, 0, 0, 0])])],
    ['no end', Buffer.concat([head(0), body.subarray(0, -1)])],
    ['damaged data', Buffer.concat([head(0), Buffer.from('ffffffff', 'hex')])],
  ])('with %s is refused', async (_what, bytes) => {
    expect(await member(bytes).catch(codeOf)).toBe('PK3304');
  });
});

test('the header of gzip says nothing about when and where', async () => {
  const packed = await collect(compress(chunks(Buffer.from('x')), { format: 'gzip', level: 9 }, signal));
  expect(packed.subarray(0, 10).toString('hex')).toBe('1f8b08000000000000ff');
  expect(gunzipSync(packed).toString()).toBe('x');
});

test('a zstd window beyond 128 MiB is refused', async () => {
  const packed = spawnSync('zstd', ['-c', '--long=31', '-3'], { input: Buffer.alloc(1000) }).stdout;
  expect(await unpack(packed, { format: 'zstd' }).then(() => 'read', codeOf)).toBe('PK3304');
});

test('xz goes through the program that was handed in, with the same limits', async () => {
  expect((await unpack(Buffer.from('abc'), { format: 'xz' })).toString()).toBe('cba');
  expect(await unpack(Buffer.from('abc'), { format: 'xz', bytes: 2 }).then(() => 'read', codeOf)).toBe('PK3303');
});

test('the format is told from the first bytes, which are not lost', async () => {
  const cases = [
    ['gzip', gzipSync('x')],
    ['zstd', zstdCompressSync('x')],
    ['xz', execFileSync('xz', ['-c'], { input: 'x' })],
    [undefined, Buffer.from('hello world')],
    [undefined, Buffer.alloc(0)],
  ] as const;
  for (const [format, bytes] of cases) {
    const found = await detectCompression(chunks(bytes, 2));
    expect(found.format).toBe(format);
    expect((await collect(found.content)).equals(bytes)).toBe(true);
  }
});

test('a level is one that the format has', () => {
  const level = (compression: Compression): number => levelOf(compression);
  expect([level({ format: 'gzip' }), level({ format: 'zstd' }), level({ format: 'zstd', level: 22 })]).toEqual([6, 3, 22]);
  for (const bad of [
    { format: 'gzip', level: 10 },
    { format: 'zstd', level: 0 },
    { format: 'zstd', level: 1.5 },
  ] as const) {
    expect(() => level(bad)).toThrow(PortkitError);
  }
});
