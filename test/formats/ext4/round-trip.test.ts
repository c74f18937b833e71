import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { FileEntry, FileTree } from '../../../src/formats/file-tree.ts';
import { checkExt4 } from '../../../src/formats/ext4/check/check.ts';
import { readExt4 } from '../../../src/formats/ext4/read/tree.ts';
import { bytesOf } from '../contents.ts';
import { profiles, writeToMemory } from '../ext4.ts';
import { file, fileTrees, root } from '../file-trees.ts';
import { memoryImage } from './images.ts';

const { signal } = new AbortController();
const numRuns = Number(process.env['PORTKIT_PROPERTY_RUNS'] ?? 15);

describe.each(profiles)('a $profile image, journal $journal', (options) => {
  test('of any tree reads back as that tree and has nothing wrong', async () => {
    await fc.assert(
      fc.asyncProperty(fileTrees, async (entries) => {
        const image = memoryImage(await writeToMemory(entries, options));
        expect(checkExt4(image, { signal })).toEqual([]);
        await expectSame(readExt4(image, { signal }), entries);
      }),
      { numRuns },
    );
  });

  test('of a file with an extent tree of three levels, and of a large directory', async () => {
    const many = Array.from({ length: 1500 }, (_, index) => file(`many/${'n'.repeat(90)}${String(index).padStart(4, '0')}`));
    const entries = [
      root,
      { ...root, path: 'many' as FileEntry['path'] } as FileEntry,
      ...many,
      file('pieces', 12_000_000, 'holes'),
    ];
    const image = memoryImage(await writeToMemory(entries, options));
    expect(checkExt4(image, { signal })).toEqual([]);
    await expectSame(readExt4(image, { signal }), entries);
  });
});

async function expectSame({ entries, contents }: FileTree, wanted: readonly FileEntry[]): Promise<void> {
  const own = wanted.some(({ path }) => path === 'lost+found');
  const read = entries.filter(({ path }) => own || path !== 'lost+found');
  expect(read.map(withoutContent)).toEqual(wanted.map(withoutContent));
  for (const [index, entry] of read.entries()) {
    const source = wanted[index];
    if (entry.type !== 'file' || source?.type !== 'file') continue;
    const content = contents.open(entry.content, signal);
    const parts = content instanceof Uint8Array ? [content] : await Array.fromAsync(content);
    expect(Buffer.concat(parts).equals(bytesOf(source.content))).toBe(true);
  }
}

function withoutContent(entry: FileEntry): object {
  return 'xattrs' in entry
    ? {
        ...entry,
        content: '',
        xattrs: entry.xattrs.map(({ name, value }) => `${name}=${Buffer.from(value).toString('hex')}`).toSorted(),
      }
    : entry;
}
