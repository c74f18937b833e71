import { openSync, closeSync } from 'node:fs';
import { join } from 'node:path';
import { PortkitError } from '../../base/errors.ts';
import type { FileTree } from '../../formats/file-tree.ts';
import { writeAt } from '../scratch-file.ts';
import { emptyFolder, imageIn, make, said } from './program.ts';
import type { MadeImage, MkfsWorld } from './program.ts';
import { definitions, pieces, rootOptions } from './pseudo.ts';

/** What is asked of a squashfs image. */
export interface SquashfsOptions {
  /** `gzip` unless given. */
  readonly compress?: 'gzip' | 'zstd' | 'xz' | 'lz4';
}

/** What there is to say of the mksquashfs of this machine: its bytes depend on its version. */
export async function squashfsTool(world: MkfsWorld, signal: AbortSignal): Promise<string> {
  const { stdout } = await said({ argv: ['mksquashfs', '-version'] }, world, signal);
  return stdout.split('\n')[0] ?? '';
}

/**
 * A tree as the squashfs image that mksquashfs makes of it: the same bytes whatever the time, the user and the folder are.
 * It is told the tree as one pseudo file, definitions and then contents: its way through a tar loses the owner and the time
 * of the root, and one through files would need root. Times are whole seconds within 1970–2106. Extended attributes, which
 * 4.5 knows only from files, need 4.6. What cannot be said is PK3955, a failure of the program PK3956, none PK6901.
 */
export async function makeSquashfs(
  tree: FileTree,
  { compress = 'gzip' }: SquashfsOptions,
  { world, signal }: { readonly world: MkfsWorld; readonly signal: AbortSignal },
): Promise<MadeImage> {
  const withXattrs = tree.entries.some((entry) => entry.type !== 'hardlink' && entry.xattrs.length > 0);
  const old = isBefore46(await squashfsTool(world, signal));
  if (withXattrs && old)
    throw new PortkitError('PK3955', 'The tree has extended attributes, which mksquashfs takes from 4.6 on', {
      hint: 'Leave them out of the tree, install a newer squashfs-tools, or make an ext4 image',
    });
  return imageIn(world.scratch, async (folder) => {
    const pseudo = join(folder, 'pseudo');
    await writePseudo(pseudo, { tree, old }, signal);
    const fixed = ['-noappend', '-no-recovery', '-no-progress', '-quiet', '-exit-on-error', '-reproducible', '-mkfs-time', '0'];
    const asked = ['-comp', compress, '-b', '131072', ...rootOptions(tree.entries), ...(withXattrs ? [] : ['-no-xattrs'])];
    const image = join(folder, 'image');
    await make({ argv: ['mksquashfs', emptyFolder(folder), image, ...fixed, ...asked, '-pf', pseudo] }, world, signal);
  });
}

function isBefore46(tool: string): boolean {
  const [, major, minor] = /version (\d+)\.(\d+)/.exec(tool) ?? [];
  return Number(major) < 4 || (Number(major) === 4 && Number(minor) < 6);
}

async function writePseudo(
  path: string,
  { tree, old }: { readonly tree: FileTree; readonly old: boolean },
  signal: AbortSignal,
): Promise<void> {
  const fd = openSync(path, 'wx', 0o600);
  try {
    let at = 0;
    const write = (bytes: Uint8Array): void => {
      writeAt(fd, bytes, at);
      at += bytes.length;
    };
    write(definitions(tree.entries, old));
    for await (const bytes of pieces(tree, signal)) write(bytes);
  } finally {
    closeSync(fd);
  }
}
