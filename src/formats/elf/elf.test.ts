import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { makeElf } from '../../../test/formats/elf.ts';
import { PortkitError } from '../../base/errors.ts';
import { readElf } from './read.ts';
import type { Elf } from './read.ts';

function read(bytes: Uint8Array): Promise<Elf | undefined> {
  return readElf((offset, size) => Promise.resolve(bytes.subarray(offset, offset + size)));
}

const said = {
  interpreter: '/lib/ld-linux.so.2',
  soname: 'liba.so.1',
  needed: ['libb.so.1', 'libc.so.6'],
  rpath: '/opt/lib',
  runpath: '$ORIGIN/../lib:/usr/local/lib',
};

describe('an ELF file', () => {
  test.each([
    [64, 'little', 62],
    [64, 'big', 22],
    [32, 'little', 40],
    [32, 'big', 8],
  ] as const)('of %i bits, %s endian, says what it needs', async (bits, endian, machine) => {
    expect(await read(makeElf({ bits, endian, machine, ...said }))).toEqual({ bits, endian, machine, ...said });
    expect(await read(makeElf({ bits, endian, machine }))).toEqual({ bits, endian, machine, needed: [] });
  });

  test('is the only thing that is read', async () => {
    for (const bytes of [Buffer.alloc(0), Buffer.from('\x7fELF'), Buffer.from('#!/bin/sh\necho hello\n')]) {
      expect(await read(bytes)).toBeUndefined();
    }
  });

  test.each([
    ['an unknown class', 4, 3],
    ['an unknown order', 5, 0],
    ['an unknown version', 6, 2],
    ['segments of another size', 54, 57],
    ['too many segments', 56, 0xffff],
    ['segments outside of the file', 33, 0xff],
    ['segments beyond 2^53', 39, 0xff],
    ['a dynamic section that is too large', 64 + 56 + 36, 0xff],
    ['a dynamic section outside of the file', 64 + 56 + 10, 0xff],
  ])('with %s is refused', async (_, at, value) => {
    const bytes = makeElf(said);
    if (value > 255) bytes.writeUInt16LE(value, at);
    else bytes[at] = value;
    await expect(read(bytes)).rejects.toMatchObject({ code: 'PK3305' });
  });

  test('that is cut off anywhere is refused', async () => {
    const bytes = makeElf(said);
    for (let size = 16; size < bytes.length; size++) {
      await expect(read(bytes.subarray(0, size))).rejects.toMatchObject({ code: 'PK3305' });
    }
  });

  test('with any bytes changed is read or refused, with bounded reads', async () => {
    const good = makeElf(said);
    let refusals = 0;
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(fc.nat(good.length - 1), fc.nat(255)), { minLength: 1, maxLength: 4 }),
        async (changes) => {
          const bytes = Buffer.from(good);
          for (const [at, value] of changes) bytes[at] = value;
          let asked = 0;
          const reading = readElf((offset, size) => {
            asked += size;
            return Promise.resolve(bytes.subarray(offset, offset + size));
          });
          await reading.catch((error: unknown) => {
            if (!(error instanceof PortkitError) || error.code !== 'PK3305') throw error;
            refusals++;
          });
          expect(asked).toBeLessThan(2 ** 23);
        },
      ),
      { numRuns: 3000 },
    );
    expect(refusals).toBeGreaterThan(300);
  });

  test('says what readelf says', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'portkit-elf-'));
    try {
      const made = join(folder, 'made');
      writeFileSync(made, makeElf(said));
      for (const file of [made, process.execPath]) {
        const listing = execFileSync('readelf', ['-dlW', file], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });
        const all = (pattern: RegExp): readonly (string | undefined)[] => [...listing.matchAll(pattern)].map((match) => match[1]);
        const elf = await read(readFileSync(file));
        expect(elf?.needed).toEqual(all(/\(NEEDED\).*\[(.*)\]/g));
        expect([elf?.interpreter]).toEqual(all(/program interpreter: (.*)\]/g));
        expect([elf?.runpath].filter(Boolean)).toEqual(all(/\(RUNPATH\).*\[(.*)\]/g));
        expect([elf?.soname].filter(Boolean)).toEqual(all(/\(SONAME\).*\[(.*)\]/g));
      }
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});
