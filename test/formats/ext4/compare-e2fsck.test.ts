import { spawnSync } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { byteString } from '../../../src/base/byte-string.ts';
import { PortkitError } from '../../../src/base/errors.ts';
import { checkExt4 } from '../../../src/formats/ext4/check/check.ts';
import { openForReading } from '../../../src/formats/ext4/read/file-system.ts';
import { showPlace } from '../../../src/formats/ext4/read/report.ts';
import type { FileEntry } from '../../../src/formats/file-tree.ts';
import { profiles, writeToFile } from '../ext4.ts';
import { acl, capability, file, root, usual, xattr } from '../file-trees.ts';
import { hasProgram, indexDirectories, makeImage, makeTree, memoryImage } from './images.ts';
import type { Mutation } from './mutations.ts';
import { mutate, randomNumbers, regionsOf } from './mutations.ts';
import { seal } from './seal.ts';

const { signal } = new AbortController();
const folder = mkdtempSync(join(tmpdir(), 'portkit-ext4-e2fsck-'));
const source = join(folder, 'source');
const count = Number(process.env['EXT4_MUTATIONS'] ?? 25);
const seed = Number(process.env['EXT4_SEED'] ?? 1);
const others = [
  { name: 'plain', options: ['-O', 'none,ext_attr,filetype,extent,flex_bg,sparse_super,large_file,extra_isize', '-g', '1024'] },
  { name: 'journal', options: ['-O', '^metadata_csum,^64bit,^resize_inode,^dir_index,^huge_file'] },
  { name: 'csum', options: ['-O', '^has_journal,^dir_index'] },
  { name: 'index', options: ['-O', '^has_journal,^metadata_csum,^64bit,^resize_inode'] },
  { name: 'blocks', options: ['-O', 'none,ext_attr,filetype,sparse_super', '-I', '128'] },
];

/** One of everything. */
const entries: readonly FileEntry[] = [
  root,
  { path: byteString('a'), type: 'dir', ...usual, xattrs: [xattr('user.long', Buffer.alloc(900, 1))] },
  { ...file('a/acl', 5000), xattrs: [xattr('system.posix_acl_access', acl)] },
  { ...file('a/cap', 50_000), xattrs: [xattr('security.capability', capability)] },
  { path: byteString('a/deep'), type: 'dir', ...usual },
  { path: byteString('a/deep/fifo'), type: 'fifo', ...usual },
  file('a/pieces', 100_000, 'holes'),
  { path: byteString('a/same'), type: 'hardlink', target: byteString('a/acl') },
  { path: byteString('device'), type: 'char', major: 4095, minor: 70_000, ...usual },
  { path: byteString('link'), type: 'symlink', target: byteString('target'), ...usual },
  { path: byteString('long link'), type: 'symlink', target: byteString('t'.repeat(200)), ...usual },
  ...Array.from({ length: 60 }, (_, index) => file(`many${String(index + 100)}${'n'.repeat(100)}`)),
];

beforeAll(() => makeTree(source, 120));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe.skipIf(!hasProgram('e2fsck'))('the checker and e2fsck find the same images damaged', () => {
  test.each(profiles)(
    'of portkit, $profile, journal $journal',
    async (options) => {
      const path = join(folder, `${options.profile}${String(options.journal)}.img`);
      await writeToFile(path, entries, { ...options, uuid: '01234567-89ab-cdef-0123-456789abcdef' });
      compare(path, `${options.profile} ${String(options.journal)}`);
    },
    3_600_000,
  );

  test.each(others)(
    'of mke2fs, $name',
    ({ options, name }) => {
      const path = join(folder, `${name}.img`);
      makeImage(path, source, { options: ['-b', '1024', ...options], size: '4M' });
      if (name === 'index') indexDirectories(path);
      compare(path, `mke2fs ${name}`);
    },
    3_600_000,
  );
});

/** Damages an image many times, and asks both. */
function compare(path: string, name: string): void {
  const bytes = readFileSync(path);
  const sound = Buffer.from(bytes);
  expect(e2fsckSays(path)).toEqual([]);
  expect(findingsOf(bytes)).toEqual([]);
  const fs = openForReading(memoryImage(sound));
  const regions = regionsOf(sound);
  const [missed, alone]: [string[], string[]] = [[], []];
  for (let index = 0; index < count; index++) {
    const random = randomNumbers(seed * 1_000_000 + index);
    const mutation = mutate(sound, regions, random);
    bytes.set(mutation.bytes, mutation.at);
    if (random(4) > 0) seal(bytes, fs, mutation);
    const changed = differingBlocks(sound, bytes);
    writeBlocks(path, bytes, changed);
    const [theirs, ours] = [e2fsckSays(path), findingsOf(bytes)];
    if (theirs.length > 0 && ours.length === 0) missed.push(`${show(index, sound, mutation)}: ${theirs[0] ?? ''}`);
    if (theirs.length === 0 && ours.length > 0) alone.push(`${show(index, sound, mutation)}: ${ours[0] ?? ''}`);
    for (const block of changed) sound.copy(bytes, block, block, block + step);
    writeBlocks(path, sound, changed);
  }
  const log = process.env['EXT4_LOG'];
  if (log !== undefined)
    writeFileSync(
      log,
      [...missed.map((line) => `MISSED ${name} ${line}\n`), ...alone.map((line) => `ALONE ${name} ${line}\n`)].join(''),
      { flag: 'a' },
    );
  expect(missed).toEqual([]);
  expect(alone.length).toBeLessThanOrEqual(Math.ceil(count / 10));
}

const step = 1024;

/** Where the pieces are in which two images differ. */
function differingBlocks(a: Buffer, b: Buffer): readonly number[] {
  const found: number[] = [];
  for (let at = 0; at < a.length; at += step) if (a.compare(b, at, at + step, at, at + step) !== 0) found.push(at);
  return found;
}

function writeBlocks(path: string, bytes: Buffer, blocks: readonly number[]): void {
  const file = openSync(path, 'r+');
  for (const at of blocks) writeSync(file, bytes, at, Math.min(step, bytes.length - at), at);
  closeSync(file);
}

function show(index: number, sound: Buffer, { kind, region, at, bytes }: Mutation): string {
  const old = sound.subarray(at, at + bytes.length).toString('hex');
  return `${String(index)} ${kind}+${String(at - region.at)} ${old}→${Buffer.from(bytes).toString('hex')}`;
}

/** What e2fsck says only because of the time at which it runs: the checker has no clock. */
const clock = /^Superblock last (?:mount|write) time |now = .* is in the future|by less than a day|^Timestamp\(s\) on inode /;
const after = /^Fix\? no$|WARNING: Filesystem still has errors/;

/** What e2fsck says beyond its passes and its summary: with `-n`, its status is 0 for some damage. */
function e2fsckSays(path: string): readonly string[] {
  const { stdout, stderr, status, signal: killed } = spawnSync('e2fsck', ['-fn', path], { encoding: 'latin1', timeout: 20_000 });
  const said = `${stdout}${stderr}`
    .split('\n')
    .filter((line) => line !== '' && !/^(?:Pass \d|e2fsck \d)/.test(line) && !/ \(\d[\d.]*% non-contiguous\), /.test(line))
    // Advice about the shape of a tree that is sound.
    .filter((line) => !/extent tree .* could be /.test(line));
  if (said.length > 0 && said.every((line) => clock.test(line) || after.test(line))) return [];
  return said.length === 0 && (status !== 0 || killed !== null) ? [`status ${String(status)}`] : said;
}

function findingsOf(bytes: Uint8Array): readonly string[] {
  try {
    return checkExt4(memoryImage(bytes), { signal }).map(({ place, what }) => `${showPlace(place)}: ${what}`);
  } catch (error) {
    if (error instanceof PortkitError && error.code === 'PK3552') return [error.message];
    throw error;
  }
}
