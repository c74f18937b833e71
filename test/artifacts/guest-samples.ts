import { posix } from 'node:path';
import { gzipSync } from 'node:zlib';
import { byteString, fromBytes } from '../../src/base/byte-string.ts';
import { planExt4 } from '../../src/formats/ext4/plan.ts';
import { writeExt4 } from '../../src/formats/ext4/write.ts';
import type { FileEntry } from '../../src/formats/file-tree.ts';
import { makeElf } from '../formats/elf.ts';
import { cpioOf, plain, root, treeOf } from '../formats/cpio.ts';

/** A file of a made guest: its bytes (executable when it stands in `executable`), or where a link leads. */
export type GuestFiles = Readonly<Record<string, string | Buffer | { readonly link: string } | undefined>>;

/** A program of a guest, for x86_64 when nothing else is said. */
export function sampleProgram(machine = 62): Buffer {
  return makeElf({ machine });
}

/** The smallest guest with BusyBox that is right. */
export const goodGuest: GuestFiles = {
  '/init': '#!/bin/sh\n# starts the agent\nexec port-guest-agent --root /\n',
  '/bin/busybox': sampleProgram(),
  '/bin/sh': { link: 'busybox' },
  '/usr/bin/port-guest-agent': makeElf({ machine: 62, interpreter: '/lib/ld.so', needed: ['libc.so'] }),
  '/lib/ld.so': makeElf({ machine: 62, soname: 'ld.so' }),
  '/lib/libc.so': makeElf({ machine: 62, soname: 'libc.so' }),
  '/etc/port-protection-mode': 'pvm\n',
  '/etc/port-guest-architecture': 'x86_64\n',
};

/** The smallest initrd that is right. */
export const goodInitrd: GuestFiles = { '/init': sampleProgram() };

/** The files as a tree, with the directories that they are in; those listed have mode 0644, all others 0755. */
function entriesOf(files: GuestFiles, plainFiles: readonly string[]): readonly FileEntry[] {
  const made = new Map<string, FileEntry>();
  for (const [path, what] of Object.entries(files)) {
    if (what === undefined) continue;
    for (let above = posix.dirname(path); above !== '/'; above = posix.dirname(above))
      made.set(above, { ...plain, path: byteString(above.slice(1)), type: 'dir', mode: 0o755 });
    const common = { ...plain, path: byteString(path.slice(1)), mode: plainFiles.includes(path) ? 0o644 : 0o755 };
    if (typeof what === 'object' && 'link' in what)
      made.set(path, { ...common, mode: 0o777, type: 'symlink', target: byteString(what.link) });
    else {
      const bytes = Buffer.from(what);
      made.set(path, { ...common, type: 'file', size: bytes.length, content: fromBytes(bytes) });
    }
  }
  return [root, ...made.values()].toSorted((a, b) => (a.path < b.path ? -1 : 1));
}

/** An ext4 image of files. */
export async function guestImage(files: GuestFiles, plainFiles: readonly string[] = []): Promise<Buffer> {
  return imageOf(entriesOf(files, plainFiles));
}

async function imageOf(entries: readonly FileEntry[]): Promise<Buffer> {
  const tree = treeOf(entries);
  const plan = planExt4(tree.entries);
  const bytes = Buffer.alloc(plan.size);
  const image = { setSize: () => undefined, write: (part: Uint8Array, position: number) => bytes.set(part, position) };
  await writeExt4(plan, { contents: tree.contents, image }, new AbortController().signal);
  return bytes;
}

/** A time that only inodes to be found again have. */
const mark = 0x1234_5678;

/** An image in which these files say that they are holes of a tebibyte. */
export async function guestImageWithHoles(files: GuestFiles, holes: readonly string[]): Promise<Buffer> {
  const empty = Object.fromEntries(holes.map((path) => [path, '']));
  const bytes = await imageOf(
    entriesOf({ ...files, ...empty }, []).map((entry) =>
      holes.includes(`/${entry.path}`) && entry.type === 'file' ? { ...entry, mtime: { seconds: mark, nanos: 0 } } : entry,
    ),
  );
  const time = Buffer.alloc(4);
  time.writeUInt32LE(mark);
  for (let at = bytes.indexOf(time); at >= 0; at = bytes.indexOf(time, at + 248)) bytes.writeUInt32LE(2 ** 8, at - 8 + 108);
  return bytes;
}

/** A packed cpio of files. */
export async function guestInitrd(files: GuestFiles, plainFiles: readonly string[] = []): Promise<Buffer> {
  return gzipSync(await cpioOf(treeOf(entriesOf(files, plainFiles))));
}
