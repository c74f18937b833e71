import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { byteString } from '../../src/base/byte-string.ts';
import { PortkitError } from '../../src/base/errors.ts';
import { checkExt4 } from '../../src/formats/ext4/check/check.ts';
import { summaryOf } from '../../src/formats/ext4/read/summary.ts';
import { readExt4 } from '../../src/formats/ext4/read/tree.ts';
import type { FileEntry } from '../../src/formats/file-tree.ts';
import { hasProgram, indexDirectories, makeImage, makeTree, memoryImage } from '../formats/ext4/images.ts';
import { mutate, randomNumbers, regionsOf } from '../formats/ext4/mutations.ts';
import { acl, file, root, usual, xattr } from '../formats/file-trees.ts';
import { profiles, writeToMemory } from '../formats/ext4.ts';

const { signal } = new AbortController();
const runs = Number(process.env['FUZZ_RUNS'] ?? 200);
const seed = Number(process.env['FUZZ_SEED'] ?? 1);
const mostRead = 2 ** 22;
const slowest = 1000;
const mostMemory = 512 * 2 ** 20;

const entries: readonly FileEntry[] = [
  root,
  { path: byteString('a'), type: 'dir', ...usual, xattrs: [xattr('user.long', Buffer.alloc(700, 1))] },
  { ...file('a/acl', 5000), xattrs: [xattr('system.posix_acl_access', acl)] },
  file('a/pieces', 100_000, 'holes'),
  { path: byteString('a/same'), type: 'hardlink', target: byteString('a/acl') },
  { path: byteString('device'), type: 'char', major: 4095, minor: 70_000, ...usual },
  { path: byteString('link'), type: 'symlink', target: byteString('target'), ...usual },
  { path: byteString('long link'), type: 'symlink', target: byteString('t'.repeat(200)), ...usual },
];

describe.each(profiles.filter(({ journal }) => !journal))('damaged $profile images', (options) => {
  test('are read or refused, in time and within memory', async () => {
    await attack(await writeToMemory(entries, options));
  }, 3_600_000);
});

describe.skipIf(!hasProgram('mke2fs'))('damaged images of mke2fs', () => {
  test.each([
    { name: 'blocks', options: ['-O', '^extents,^64bit,^has_journal,^metadata_csum', '-b', '1024'] },
    { name: 'index', options: ['-O', '^has_journal,^metadata_csum,^resize_inode', '-b', '1024'] },
  ])('$name', async ({ options }) => attack(imageOf(options)), 3_600_000);
});

/** An image whose large directory has a hash index. */
function imageOf(options: readonly string[]): Buffer {
  const folder = mkdtempSync(join(tmpdir(), 'portkit-ext4-fuzz-'));
  try {
    makeTree(join(folder, 'tree'), 120);
    makeImage(join(folder, 'image'), join(folder, 'tree'), { options, size: '2M' });
    indexDirectories(join(folder, 'image'));
    return readFileSync(join(folder, 'image'));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Changes one to four places at a time, sometimes cuts the image off, and gives it to everything that reads. */
async function attack(bytes: Buffer): Promise<void> {
  await readAll(bytes);
  const regions = regionsOf(bytes);
  for (let index = 0; index < runs; index++) {
    const random = randomNumbers(seed * 1_000_000 + index);
    const changes = Array.from({ length: 1 + random(4) }, () => mutate(bytes, regions, random));
    const old = changes.map(({ at }) => Buffer.from(bytes.subarray(at, at + 4)));
    for (const change of changes) bytes.set(change.bytes, change.at);
    const start = performance.now();
    try {
      await readAll(random(20) === 0 ? bytes.subarray(0, random(bytes.length)) : bytes);
    } catch (error) {
      throw new Error(`run ${String(index)}, seed ${String(seed)}: ${JSON.stringify(changes)}`, { cause: error });
    }
    expect(performance.now() - start, `run ${String(index)}, seed ${String(seed)}`).toBeLessThan(slowest);
    for (const [at, part] of old.entries().toArray().toReversed()) bytes.set(part, changes[at]!.at);
  }
  expect(process.memoryUsage().heapUsed).toBeLessThan(mostMemory);
}

async function readAll(bytes: Uint8Array): Promise<void> {
  const image = memoryImage(bytes);
  await orRefused(() => checkExt4(image, { signal }));
  await orRefused(() => summaryOf(image));
  await orRefused(async () => {
    const tree = readExt4(image, { signal });
    for (const entry of tree.entries)
      if (entry.type === 'file') await orRefused(() => readSome(tree.contents.open(entry.content, signal)));
  });
}

async function readSome(content: Uint8Array | AsyncIterable<Uint8Array>): Promise<void> {
  if (content instanceof Uint8Array) return;
  let read = 0;
  for await (const part of content) {
    read += part.length;
    if (read > mostRead) return;
  }
}

/** Whatever hostile bytes make happen has a code, and is not taken for a bug. */
async function orRefused(work: () => unknown): Promise<void> {
  try {
    await work();
  } catch (error) {
    if (!(error instanceof PortkitError) || error.code === 'PK7001') throw error;
  }
}
