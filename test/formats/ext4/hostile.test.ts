import { beforeAll, describe, expect, test } from 'vitest';
import { byteString } from '../../../src/base/byte-string.ts';
import { checkExt4 } from '../../../src/formats/ext4/check/check.ts';
import { descriptor } from '../../../src/formats/ext4/disk/group.ts';
import { inode as inodeAt } from '../../../src/formats/ext4/disk/inode.ts';
import { superblock as superblockAt } from '../../../src/formats/ext4/disk/superblock.ts';
import { openForReading } from '../../../src/formats/ext4/read/file-system.ts';
import { readExt4 } from '../../../src/formats/ext4/read/tree.ts';
import type { FileEntry, ImageReader } from '../../../src/formats/file-tree.ts';
import { bytesOf, contentName } from '../contents.ts';
import { writeToMemory } from '../ext4.ts';
import { file, root, usual } from '../file-trees.ts';
import { memoryImage } from './images.ts';

const { signal } = new AbortController();
const directory = (path: string): FileEntry => ({ path: byteString(path), type: 'dir', ...usual });
const entries = [root, directory('a'), directory('a/b'), file('a/b/f', 8192), file('a/g', 300_000), directory('c')];
let sound: Buffer;

beforeAll(async () => {
  sound = await writeToMemory(entries, { uuid: '01234567-89ab-cdef-0123-456789abcdef' });
});

/** The image after `change`, to which places are given by what they mean. */
function changed(
  change: (bytes: Buffer, at: { inode: (path: string) => number; block: (path: string) => number }) => void,
): ImageReader {
  const bytes = Buffer.from(sound);
  const { groups } = openForReading(memoryImage(sound));
  // Every inode of so small a tree is in the first group.
  const table = groups[0]!.inodeTable * 4096;
  const numberOf = (path: string): number => {
    if (path === '') return 2;
    const name = path.slice(path.lastIndexOf('/') + 1);
    return bytes.readUInt32LE(entryOf(bytes, block(path.slice(0, Math.max(0, path.lastIndexOf('/')))), name));
  };
  const inode = (path: string): number => table + (numberOf(path) - 1) * 256;
  const block = (path: string): number => bytes.readUInt32LE(inode(path) + inodeAt.block + 20) * 4096;
  change(bytes, { inode, block });
  return memoryImage(bytes);
}

function entryOf(bytes: Buffer, start: number, name: string): number {
  for (let at = start; at < start + 4096; at += bytes.readUInt16LE(at + 4))
    if (bytes.toString('latin1', at + 8, at + 8 + bytes[at + 6]!) === name) return at;
  throw new Error(`no ${name}`);
}

function codeOf(work: () => unknown): unknown {
  try {
    work();
  } catch (error) {
    return error instanceof Error && 'code' in error ? `${String(error.code)} ${error.message}` : error;
  }
  return undefined;
}

describe('a reader refuses', () => {
  test.each([
    [
      'a journal with changes',
      (bytes: Buffer) => bytes.writeUInt32LE(0x246, 1024 + superblockAt.featureIncompat),
      /PK3552 .*needs_recovery/,
    ],
    [
      'what nobody knows',
      (bytes: Buffer) => bytes.writeUInt32LE(0x8000_0242, 1024 + superblockAt.featureIncompat),
      /PK3552 .*incompat_0x80000000/,
    ],
    ['no image at all', (bytes: Buffer) => bytes.fill(0, 0, 4096), /PK3551 .*magic/],
    [
      'an inode table outside',
      (bytes: Buffer) => bytes.writeUInt32LE(2 ** 31, 4096 + descriptor.inodeTableLow),
      /PK3551 .*no such inode/,
    ],
  ] as const)('%s', (_, change, expected) => {
    expect(codeOf(() => readExt4(changed(change), { signal }))).toMatch(expected);
  });

  test('an image that is cut off', () => {
    expect(codeOf(() => readExt4(memoryImage(sound.subarray(0, sound.length - 1)), { signal }))).toMatch(
      /PK3551 .*blocks of 4096 bytes/,
    );
    expect(codeOf(() => readExt4(memoryImage(sound.subarray(0, 100)), { signal }))).toMatch(/PK3552/);
  });

  test('a directory inside itself', () => {
    const image = changed((bytes, { block }) =>
      bytes.copy(bytes, entryOf(bytes, block('a/b'), 'f'), entryOf(bytes, block(''), 'a'), entryOf(bytes, block(''), 'a') + 4),
    );
    expect(codeOf(() => readExt4(image, { signal }))).toMatch(/PK3551 .*two places/);
    expect(checkExt4(image, { signal }).map(({ what }) => what)).toContainEqual(
      expect.stringContaining('one more name of a directory'),
    );
  });

  test('two directories of one block', () => {
    const image = changed((bytes, { inode }) =>
      bytes.copy(bytes, inode('c') + inodeAt.block, inode('a/b') + inodeAt.block, inode('a/b') + inodeAt.block + 60),
    );
    expect(codeOf(() => readExt4(image, { signal }))).toMatch(/PK3551 .*belongs to another one/);
    expect(checkExt4(image, { signal }).map(({ what }) => what)).toContainEqual(
      expect.stringContaining('something else uses too'),
    );
  });

  test('more names, and longer paths, than are taken', async () => {
    expect(codeOf(() => readExt4(memoryImage(sound), { signal, mostEntries: 3 }))).toMatch(/PK3553 .*3 names/);
    const names = Array.from({ length: 20 }, (_, index) =>
      directory(Array.from({ length: index + 1 }, () => 'n'.repeat(250)).join('/')),
    );
    const deep = memoryImage(await writeToMemory([root, ...names], {}));
    expect(codeOf(() => readExt4(deep, { signal }))).toMatch(/PK3553 .*longer than 4096/);
    expect(checkExt4(deep, { signal })).toEqual([]);
  });

  test('to go on when it is cancelled', () => {
    expect(() => readExt4(memoryImage(sound), { signal: AbortSignal.abort() })).toThrow(
      expect.objectContaining({ name: 'AbortError' }),
    );
    expect(() => checkExt4(memoryImage(sound), { signal: AbortSignal.abort() })).toThrow(
      expect.objectContaining({ name: 'AbortError' }),
    );
  });
});

test('blocks that were never written read as zeros, as do holes', async () => {
  const image = changed((bytes, { inode }) => {
    const length = inode('a/g') + inodeAt.block + 12 + 4;
    bytes.writeUInt16LE(bytes.readUInt16LE(length) + 0x8000, length);
    // The other file loses its second block.
    bytes.writeUInt16LE(1, inode('a/b/f') + inodeAt.block + 12 + 4);
  });
  const { entries: read, contents } = readExt4(image, { signal });
  const content = (path: string): Promise<Uint8Array[]> => {
    const entry = read.find((one) => one.path === path);
    const found = entry?.type === 'file' ? contents.open(entry.content, signal) : undefined;
    return found instanceof Uint8Array ? Promise.resolve([found]) : Array.fromAsync(found ?? []);
  };
  expect(Buffer.concat(await content('a/g')).equals(Buffer.alloc(300_000))).toBe(true);
  const half = bytesOf(contentName('data', 8192)).fill(0, 4096);
  expect(Buffer.concat(await content('a/b/f')).equals(half)).toBe(true);
});

test('a checker finds everything at once', () => {
  const image = changed((bytes, { inode, block }) => {
    bytes.writeUInt16LE(7, inode('a/b/f') + inodeAt.links);
    bytes.writeUInt32LE(5, inode('a/g') + inodeAt.blocksLow);
    bytes[entryOf(bytes, block('a'), 'g') + 7] = 2;
    bytes.writeUInt32LE(0, 1024 + superblockAt.freeInodes);
  });
  const found = checkExt4(image, { signal }).map(({ place, what }) => `${place.kind}: ${what}`);
  expect(found).toEqual([
    'inode: it counts 5 blocks, has 592',
    'inode: the name "g" says another kind of file than its inode',
    'inode: it counts 7 links, has 1',
    expect.stringMatching(/^superblock: it says 0 free inodes/),
  ]);
  expect(checkExt4(image, { signal, mostFindings: 2 })).toHaveLength(2);
});

test('an image that claims to be huge and is empty is refused at once', () => {
  const start = performance.now();
  const huge = hugeImage({ blocks: 2 ** 32 - 1, groups: 131_072 });
  expect(codeOf(() => readExt4(huge, { signal }))).toMatch(/PK3551/);
  expect(checkExt4(huge, { signal })).toHaveLength(1000);
  const split = hugeImage({ blocks: 2 ** 32 - 1, groups: 2 ** 24, blocksPerGroup: 256 });
  expect(codeOf(() => readExt4(split, { signal }))).toMatch(/PK3553 .*16777216 block groups/);
  expect(performance.now() - start).toBeLessThan(10_000);
});

interface Claims {
  readonly blocks: number;
  readonly groups: number;
  readonly blocksPerGroup?: number;
}

/** Nothing but a superblock, and zeros for ever. */
function hugeImage({ blocks, groups, blocksPerGroup = 32_768 }: Claims): ImageReader {
  const front = Buffer.from(sound.subarray(0, 2048));
  front.writeUInt32LE(blocks, 1024 + superblockAt.blocksCountLow);
  front.writeUInt32LE(blocksPerGroup, 1024 + superblockAt.blocksPerGroup);
  front.writeUInt32LE(blocksPerGroup, 1024 + superblockAt.clustersPerGroup);
  front.writeUInt32LE(8, 1024 + superblockAt.inodesPerGroup);
  front.writeUInt32LE(8 * groups, 1024 + superblockAt.inodesCount);
  return {
    size: blocks * 4096,
    read(position, length) {
      const bytes = Buffer.alloc(length);
      if (position < front.length) front.copy(bytes, 0, position);
      return bytes;
    },
  };
}
