import { execFileSync, spawnSync } from 'node:child_process';
import {
  closeSync,
  fstatSync,
  mkdirSync,
  openSync,
  readSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
  writeSync,
  linkSync,
} from 'node:fs';
import { join } from 'node:path';
import type { ImageReader } from '../../../src/formats/file-tree.ts';
import { PortkitError } from '../../../src/base/errors.ts';

/** Is a program there? Those of e2fsprogs end well when asked for their version; any status will do. */
export function hasProgram(name: string): boolean {
  return spawnSync(name, ['-V']).error === undefined;
}

/** An image in memory. */
export function memoryImage(bytes: Uint8Array): ImageReader {
  return {
    size: bytes.length,
    read(position, length) {
      if (position < 0 || position + length > bytes.length) throw new PortkitError('PK3301', 'The image ends before');
      return bytes.subarray(position, position + length);
    },
  };
}

/** An image that is a file. */
export function fileImage(path: string): ImageReader & Disposable {
  const file = openSync(path, 'r');
  return {
    size: fstatSync(file).size,
    read(position, length) {
      const bytes = Buffer.alloc(length);
      if (readSync(file, bytes, 0, length, position) !== length) throw new PortkitError('PK3301', 'The image ends before');
      return bytes;
    },
    [Symbol.dispose]: () => closeSync(file),
  };
}

const uuid = '01234567-89ab-cdef-0123-456789abcdef';

/** Makes an image of a directory with mke2fs. */
export function makeImage(
  path: string,
  from: string,
  { options, size }: { readonly options: readonly string[]; readonly size: string },
): void {
  const env = { PATH: process.env['PATH'], MKE2FS_SKIP_CHECK_MSG: '1', E2FSPROGS_FAKE_TIME: '1700000000' };
  execFileSync('mke2fs', ['-q', '-F', '-t', 'ext4', '-U', uuid, '-E', `hash_seed=${uuid}`, ...options, '-d', from, path, size], {
    env,
    stdio: ['ignore', 'ignore', 'pipe'],
  });
}

/** Gives large directories a hash index, which mke2fs leaves to e2fsck. Its status says that it changed the image. */
export function indexDirectories(path: string): void {
  spawnSync('e2fsck', ['-fyD', path], { stdio: 'ignore' });
}

/** Fills a directory with one of everything that needs no rights. */
export function makeTree(root: string, many = 400): void {
  const at = (path: string): string => join(root, path);
  for (const path of ['', 'a', 'a/b', 'a/b/c', 'many', 'empty']) mkdirSync(at(path), { recursive: true });
  for (const size of [0, 1, 59, 60, 1023, 1024, 1025, 4095, 4096, 4097, 50_000, 300_000])
    writeFileSync(at(`a/f${String(size)}`), Buffer.alloc(size, `${String(size)} bytes `));
  for (let index = 0; index < many; index++) writeFileSync(at(`many/a file with a long name, number ${String(index)}`), '');
  for (const length of [1, 59, 60, 61, 1000]) symlinkSync('t'.repeat(length), at(`a/b/l${String(length)}`));
  linkSync(at('a/f60'), at('a/b/again'));
  linkSync(at('a/f60'), at('0-first'));
  writeFileSync(at('holes'), 'begin');
  truncateSync(at('holes'), 3_000_000);
  writeFileSync(at('holes'), 'end', { flag: 'a' });
  const pieces = openSync(at('pieces'), 'w');
  for (let index = 0; index < 40; index++) writeSync(pieces, `piece ${String(index)}`, index * 16_384);
  closeSync(pieces);
  writeFileSync(at('a/b/c/grüße'), 'non-ASCII');
  utimesSync(at('a/f1'), 1_000_000_000.5, 1_234_567_890);
  execFileSync('setfattr', ['-n', 'user.small', '-v', 'value', at('a/f59')]);
  execFileSync('setfattr', ['-n', 'user.large', '-v', 'v'.repeat(600), at('a/f59')]);
  execFileSync('setfattr', ['-n', 'user.dir', '-v', '0sAAECAwT/', at('a/b')]);
}
