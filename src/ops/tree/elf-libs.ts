import { posix } from 'node:path';
import type { ByteString } from '../../base/byte-string.ts';
import { PortkitError } from '../../base/errors.ts';
import type { TreeEdit } from '../../graph/ops.ts';
import { writeTree } from '../../store/trees/editor.ts';
import { attributesOf } from '../../store/trees/overlay.ts';
import { joinPath, sameBytes, showPath } from '../../store/trees/path.ts';
import { librariesOf } from '../elf/libraries.ts';
import { findElf, findFile } from '../elf/trees.ts';
import type { LibraryTrees } from '../elf/trees.ts';
import { ofKind } from '../input.ts';
import type { CopySource } from './copy.ts';
import { putAt } from './lay.ts';
import type { Making } from './lay.ts';
import { editPath, followPath, missingPath } from './paths.ts';

/**
 * Adds what a program needs to be loaded. The program and its libraries are looked for in the tree that is made, then in the
 * input; what the input gave is put where it was found, so that the loader finds it too, or into `to` (the loader itself
 * always stands where the program says).
 */
export async function addElfLibs(
  making: Making,
  edit: Extract<TreeEdit, { elfLibs: string }>,
  { input, world }: CopySource,
): Promise<void> {
  const { access } = making.scratch;
  const own = await writeTree(making.editor);
  const trees: LibraryTrees = { roots: [own, ofKind(input, 'tree')], access, world };
  const { path } = editPath(edit.elfLibs);
  const program = await findElf(path, trees);
  if (program === undefined) {
    if ((await findFile(path, trees)) === undefined) throw await missingPath(own, path, access);
    throw new PortkitError('PK3306', `${showPath(path)} is no ELF file`, { hint: 'Scripts need their interpreter: name that' });
  }
  const folder = edit.to === undefined ? undefined : editPath(edit.to).path;
  for (const library of await librariesOf(program, trees)) {
    if (library.tree === 0) continue;
    const isLoader = library.path === program.elf.interpreter?.replace(/^\/+/, '');
    const place = folder === undefined || isLoader ? library.path : joinPath(folder, nameOf(library.path));
    // The directories of a path may be symlinks in this tree (/lib), and are then followed; a link at its end is replaced.
    const tree = await writeTree(making.editor);
    const above = await followPath(tree, parentOf(place), { access, last: 'follow' });
    const { content, size } = library.file;
    await putAt(making, joinPath(above.path, nameOf(place)), { ...attributesOf(library.file), type: 'file', content, size });
  }
}

function nameOf(path: ByteString): ByteString {
  return sameBytes(posix.basename(path));
}

function parentOf(path: ByteString): ByteString {
  return sameBytes(path.slice(0, Math.max(0, path.lastIndexOf('/'))));
}
