import { execFileSync, spawnSync } from 'node:child_process';
import { copyFileSync, constants, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, test } from 'vitest';
import { findData } from '../../src/formats/ext4/holes.ts';
import type { FileEntry } from '../../src/formats/file-tree.ts';
import { dataRangesOf, namedContents } from '../formats/contents.ts';
import { profiles, writeToFile } from '../formats/ext4.ts';
import { expectClean, expectTree, mounted, whyNoMount, whyNoTools } from '../formats/ext4-judges.ts';
import { fileTrees } from '../formats/file-trees.ts';

const numRuns = Number(process.env['PORTKIT_PROPERTY_RUNS'] ?? 4);
const [noTools, noMount] = [whyNoTools(), whyNoMount()];

/** A folder for the images of one run, gone afterwards. */
async function inFolder(work: (folder: string) => Promise<void>): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'portkit-ext4-'));
  try {
    await work(folder);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function copyOf(image: string, name: string): string {
  const copy = `${image}.${name}`;
  copyFileSync(image, copy, constants.COPYFILE_FICLONE);
  return copy;
}

function grow(image: string): void {
  const { status, stderr } = spawnSync('resize2fs', [image, '400M'], { encoding: 'utf8' });
  if (status !== 0) throw new Error(stderr);
}

/** Makes and removes things where the root is, as a guest would. */
function use(at: string): void {
  execFileSync('touch', [join(at, 'the first new file')]);
  mkdirSync(join(at, 'new'));
  for (let file = 0; file < 20; file += 1) writeFileSync(join(at, 'new', `${file}`), Buffer.alloc(file * 100, 1));
  rmSync(join(at, 'new', '3'));
  rmSync(join(at, 'the first new file'));
}

async function judge(entries: readonly FileEntry[], image: string, options: (typeof profiles)[number]): Promise<void> {
  // The journal changes nothing of holes: half of the runs look for them.
  const dataRanges = options.journal ? await findData(entries, namedContents, new AbortController().signal) : dataRangesOf;
  await writeToFile(image, entries, { ...options, dataRanges });
  expectClean(image);
  const grown = copyOf(image, 'grown');
  grow(grown);
  expectClean(grown);
  if (noMount !== undefined) return;
  mounted(image, 'ro', (at) => expectTree(at, entries));
  mounted(grown, 'ro', (at) => expectTree(at, entries));
  mounted(image, 'rw', use);
  expectClean(image);
}

describe.each(profiles)('a $profile image, journal $journal', (options) => {
  test('of any tree is clean, shows it, can be used and grows', async ({ skip }) => {
    if (noTools !== undefined) skip(noTools);
    if (noMount !== undefined) console.log(`not mounted: ${noMount}`);
    await fc.assert(
      fc.asyncProperty(fileTrees, (entries) => inFolder((folder) => judge(entries, join(folder, 'image'), options))),
      { numRuns, seed: numRuns > 4 ? undefined : 4 } as fc.Parameters<[readonly FileEntry[]]>,
    );
  }, 3_600_000);
});
