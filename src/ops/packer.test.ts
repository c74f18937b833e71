import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { signal } from '../../test/ops/world.ts';
import { checkLevel, packerWith } from './packer.ts';
import type { Packing } from './packer.ts';
import { runProgram } from './run-program.ts';

const folder = mkdtempSync(join(tmpdir(), 'portkit-packer-'));
afterAll(() => rmSync(folder, { recursive: true }));
const usual = process.env['PATH'] ?? '';

async function pack(packing: Packing, { path = usual, bytes = Buffer.alloc(300_000, 'some text') } = {}): Promise<Buffer> {
  async function* source(): AsyncGenerator<Uint8Array> {
    for (let at = 0; at < bytes.length; at += 10_007) yield bytes.subarray(at, at + 10_007);
  }
  return Buffer.concat(await Array.fromAsync(packerWith(async () => runProgram, path).pack(source(), packing, signal)));
}

test.each(['gzip', 'zstd', 'xz', 'lz4'] as const)(
  '%s gives the same bytes again, other ones for another level',
  async (format) => {
    if (spawnSync(format, ['--version']).error !== undefined) return;
    const first = await pack({ format });
    expect((await pack({ format })).equals(first)).toBe(true);
    const text = Buffer.from(Array.from({ length: 20_000 }, (_, at) => `${(at * 7919) % 1013} `).join(''));
    expect((await pack({ format, level: 1 }, { bytes: text })).equals(await pack({ format }, { bytes: text }))).toBe(false);
    const maker = await packerWith(async () => runProgram, usual).maker(format, signal);
    expect(maker).toMatch(/\d+\.\d+/);
  },
);

test('a level that is not there is refused before anything is made', async () => {
  for (const packing of [
    { format: 'gzip', level: 10 },
    { format: 'xz', level: 0 },
    { format: 'xz', level: 10 },
    { format: 'lz4', level: 13 },
    { format: 'lz4', level: 1.5 },
  ] as const) {
    expect(() => checkLevel(packing)).toThrow(expect.objectContaining({ code: 'PK1004' }));
    await expect(pack(packing)).rejects.toMatchObject({ code: 'PK1004' });
  }
});

test('a program that is not there or fails is a coded error, and so is input that fails', async () => {
  await expect(pack({ format: 'xz' }, { path: folder })).rejects.toMatchObject({ code: 'PK6901' });
  await expect(pack({ format: 'lz4' }, { path: folder })).rejects.toMatchObject({ code: 'PK6901' });
  const script = join(folder, 'xz');
  writeFileSync(script, '#!/bin/sh\necho memory is short >&2; exit 1\n', { mode: 0o755 });
  const path = `${folder}:${usual}`;
  await expect(pack({ format: 'xz' }, { path })).rejects.toMatchObject({
    code: 'PK3957',
    message: expect.stringContaining('short'),
  });
  writeFileSync(script, '#!/bin/sh\ncat\n');
  async function* failing(): AsyncGenerator<Uint8Array> {
    yield Buffer.from('begin');
    throw new Error('the disk is gone');
  }
  const packed = packerWith(async () => runProgram, path).pack(failing(), { format: 'xz' }, signal);
  await expect(Array.fromAsync(packed)).rejects.toThrow('the disk is gone');
});
