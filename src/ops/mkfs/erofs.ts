import { join } from 'node:path';
import { createHash } from 'node:crypto';
import type { FileEntry, FileTree } from '../../formats/file-tree.ts';
import { writeTar } from '../../formats/tar/write.ts';
import { digestOfEntries } from '../../formats/tree-identity.ts';
import { asUuid, showUuid } from '../../formats/uuid.ts';
import { layOut } from './lay-out.ts';
import { imageIn, make, said } from './program.ts';
import type { MadeImage, MkfsWorld } from './program.ts';
import { tarEntriesOf } from '../../formats/tar/tree-entries.ts';

/** What is asked of an erofs image. */
export interface ErofsOptions {
  /** `none` unless given. */
  readonly compress?: 'none' | 'lz4' | 'lz4hc';
  /** Derived from the tree unless given. */
  readonly uuid?: string;
  /** What names the tree, so that the UUID depends on it; its entries unless given. */
  readonly identity?: string;
}

/** The mkfs.erofs of this machine: its bytes depend on its version. */
export interface ErofsTool {
  readonly version: string;
  /** From 1.7 on it reads a tar. */
  readonly readsTar: boolean;
}

/** Asks mkfs.erofs what it is. Before 1.6 it does not tell its version, and is known by what it says of its options. */
export async function erofsTool(world: MkfsWorld, signal: AbortSignal): Promise<ErofsTool> {
  const help = await said({ argv: ['mkfs.erofs', '--help'] }, world, signal);
  const told = await said({ argv: ['mkfs.erofs', '--version'] }, world, signal);
  const text = help.stdout + help.stderr;
  const unnamed = `before 1.6 (${createHash('sha256').update(text).digest('hex').slice(0, 16)})`;
  return {
    version: told.status === 0 ? (told.stdout.split('\n')[0] ?? '') : unnamed,
    readsTar: text.includes('--tar='),
  };
}

/**
 * A tree as the erofs image that mkfs.erofs makes of it: the same bytes whatever the time, the user and the folder are. From
 * 1.7 on it is told the tree as a tar; before, as files of a folder, which without root cannot say everything (PK3955).
 * Times before 1970 are 1970. A failure of the program is PK3956, none PK6901.
 */
export async function makeErofs(
  given: FileTree,
  { compress = 'none', uuid, identity }: ErofsOptions,
  { world, signal }: { readonly world: MkfsWorld; readonly signal: AbortSignal },
): Promise<MadeImage> {
  const { readsTar } = await erofsTool(world, signal);
  const tree = { ...given, entries: given.entries.map(since1970) };
  return imageIn(world.scratch, async (folder) => {
    const image = join(folder, 'image');
    const derived = digestOfEntries(identity === undefined ? tree.entries : [], `portkit erofs 1\0${identity ?? ''}`);
    const asked = ['-U', uuid ?? showUuid(asUuid(derived.subarray(0, 16))), ...(compress === 'none' ? [] : [`-z${compress}`])];
    // It is the time of the image, and the latest that a file may have.
    const env = { SOURCE_DATE_EPOCH: `${latest(tree.entries)}`, TMPDIR: folder };
    if (readsTar) {
      const input = writeTar(tarEntriesOf(tree, signal), signal);
      await make({ argv: ['mkfs.erofs', '--quiet', '--tar=f', ...asked, image], env, input }, world, signal);
      return;
    }
    const { source, owner } = await layOut(tree, folder, signal);
    const owned = [`--force-uid=${owner.uid}`, `--force-gid=${owner.gid}`];
    await make({ argv: ['mkfs.erofs', '--quiet', '-x-1', ...asked, ...owned, image, source], env }, world, signal);
  });
}

function since1970(entry: FileEntry): FileEntry {
  if (entry.type === 'hardlink' || entry.mtime.seconds >= 0) return entry;
  return { ...entry, mtime: { seconds: 0, nanos: 0 } };
}

/** The latest second of all, or the next one where a file of it has nanoseconds, which would be cut off with it. */
function latest(entries: readonly FileEntry[]): number {
  let [last, nanos] = [0, false];
  for (const entry of entries) {
    if (entry.type === 'hardlink' || entry.mtime.seconds < last) continue;
    nanos = (entry.mtime.seconds === last && nanos) || entry.mtime.nanos > 0;
    last = entry.mtime.seconds;
  }
  return nanos ? last + 1 : last;
}
