import { spawnSync } from 'node:child_process';
import { createWriteStream, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import fc from 'fast-check';
import { afterAll, expect, test } from 'vitest';
import { PortkitError } from '../../src/base/errors.ts';
import type { FileEntry } from '../../src/formats/file-tree.ts';
import { erofsTool, makeErofs } from '../../src/ops/mkfs/erofs.ts';
import type { MadeImage } from '../../src/ops/mkfs/program.ts';
import { makeSquashfs, squashfsTool } from '../../src/ops/mkfs/squashfs.ts';
import { runProgram } from '../../src/ops/run-program.ts';
import { piecesOf } from '../../src/ops/scratch-file.ts';
import { namedContents } from '../formats/contents.ts';
import { expectTree, mountedAs, whyNoMount } from '../formats/ext4-judges.ts';
import { fileTrees } from '../formats/file-trees.ts';
import { signal } from '../ops/world.ts';

const folder = mkdtempSync(join(tmpdir(), 'portkit-mkfs-zoo-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const world = { run: runProgram, path: process.env['PATH'] ?? '', scratch: folder };

/** Why the kernel cannot judge here. */
function whyNot(program: string, type: string): string | undefined {
  if (spawnSync(program, ['--help'], { stdio: 'ignore' }).error !== undefined) return `needs ${program}`;
  return whyNoMount() ?? (readFileSync('/proc/filesystems', 'latin1').includes(type) ? undefined : `needs ${type} in the kernel`);
}

/** Makes images of any trees, and looks at them through the kernel; a tree may be refused, and only with this code. */
async function judge(
  type: 'squashfs' | 'erofs',
  make: (entries: readonly FileEntry[]) => Promise<MadeImage>,
  { fit, seen }: { readonly fit: (entry: FileEntry) => FileEntry | undefined; readonly seen: (entry: FileEntry) => FileEntry },
): Promise<void> {
  let made = 0;
  await fc.assert(
    fc.asyncProperty(fileTrees, async (tree) => {
      const entries = tree.flatMap((entry) => fit(link(entry)) ?? []);
      const image = join(folder, `zoo.${type}`);
      try {
        using file = await make(entries);
        await pipeline(piecesOf(file.fd), createWriteStream(image));
      } catch (error) {
        if (!(error instanceof PortkitError) || error.code !== 'PK3955') throw error;
        return;
      }
      made += 1;
      mountedAs({ image, how: 'ro', type }, (at) => expectTree(at, entries.map(seen)));
    }),
    { numRuns: 40 },
  );
  expect(made).toBeGreaterThan(20);
}

/** The mode of a symlink means nothing to Linux, and not every format has one. */
const link = (entry: FileEntry): FileEntry => (entry.type === 'symlink' ? { ...entry, mode: 0o777 } : entry);

/** Without the extended attributes that a squashfs, or its maker, does not know. */
const sayable = (entry: FileEntry): FileEntry => {
  if (entry.type === 'hardlink') return entry;
  return { ...entry, xattrs: entry.xattrs.filter(({ name, value }) => !name.startsWith('system.') && value.length > 0) };
};

const bare = (entry: FileEntry): FileEntry => (entry.type === 'hardlink' ? entry : { ...entry, xattrs: [] });

const noSquashfs = whyNot('mksquashfs', 'squashfs');
test.skipIf(noSquashfs !== undefined)(
  `squashfs of any tree (${noSquashfs ?? 'judged by the kernel'})`,
  async () => {
    const old = /version 4\.[0-5]/.test(await squashfsTool(world, signal));
    const most = 0xffffffff;
    const clamped = (seconds: number): number => Math.min(Math.max(seconds, 0), most);
    await judge('squashfs', (entries) => makeSquashfs({ entries, contents: namedContents }, {}, { world, signal }), {
      fit: old ? bare : sayable,
      seen: (entry) =>
        entry.type === 'hardlink' ? entry : { ...entry, mtime: { seconds: clamped(entry.mtime.seconds), nanos: 0 } },
    });
  },
  120_000,
);

const noErofs = whyNot('mkfs.erofs', 'erofs');
test.skipIf(noErofs !== undefined)(
  `erofs of any tree (${noErofs ?? 'judged by the kernel'})`,
  async () => {
    const { readsTar } = await erofsTool(world, signal);
    const simple = (entry: FileEntry): FileEntry | undefined => {
      if (entry.type === 'hardlink') return entry;
      if (entry.type !== 'file' && entry.type !== 'dir' && entry.type !== 'symlink') return undefined;
      return { ...entry, uid: 5, gid: 2 ** 32 - 2, xattrs: [], mtime: { ...entry.mtime, nanos: 0 } };
    };
    await judge('erofs', (entries) => makeErofs({ entries, contents: namedContents }, {}, { world, signal }), {
      fit: readsTar ? (entry) => (entry.type === 'socket' ? undefined : entry) : simple,
      seen: (entry) =>
        entry.type === 'hardlink' || entry.mtime.seconds >= 0 ? entry : { ...entry, mtime: { seconds: 0, nanos: 0 } },
    });
  },
  120_000,
);
