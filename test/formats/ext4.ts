import { planExt4 } from '../../src/formats/ext4/plan.ts';
import type { Ext4Options } from '../../src/formats/ext4/options.ts';
import { writeExt4 } from '../../src/formats/ext4/write.ts';
import type { FileEntry } from '../../src/formats/file-tree.ts';
import { dataRangesOf, namedContents } from './contents.ts';
import { imageFile } from './image-file.ts';

/** Every profile there is. */
export const profiles = [
  { profile: 'plain', journal: false },
  { profile: 'csum', journal: false },
  { profile: 'plain', journal: true },
  { profile: 'csum', journal: true },
] as const satisfies readonly Ext4Options[];

/** Writes a tree of named contents to a new file. */
export async function writeToFile(path: string, entries: readonly FileEntry[], options: Ext4Options): Promise<void> {
  const plan = planExt4(entries, { dataRanges: dataRangesOf, ...options });
  const image = imageFile(path);
  try {
    await writeExt4(plan, { contents: namedContents, image }, new AbortController().signal);
  } finally {
    image.close();
  }
}

/** The same in memory. */
export async function writeToMemory(entries: readonly FileEntry[], options: Ext4Options): Promise<Buffer> {
  const plan = planExt4(entries, { dataRanges: dataRangesOf, ...options });
  const bytes = Buffer.alloc(plan.size);
  const image = { setSize: () => undefined, write: (part: Uint8Array, position: number) => bytes.set(part, position) };
  await writeExt4(plan, { contents: namedContents, image }, new AbortController().signal);
  return bytes;
}
