import { byteString, showBytes } from '../../base/byte-string.ts';
import type { Digest } from '../../base/digest.ts';
import { PortkitError } from '../../base/errors.ts';
import { compileGlob } from '../../store/host/glob.ts';
import type { Item, TreeAccess } from '../../store/trees/access.ts';
import { joinPath, sameBytes, showPath, splitPath } from '../../store/trees/path.ts';
import { editPath, followPath, missingPath } from './paths.ts';

/**
 * The one file of a tree that a path means; its last name may be a pattern (`boot/vmlinuz-*`), which has to match one name.
 * PK3307 when there is none, PK3306 for several or for what is no file.
 */
export async function oneFile(tree: Digest, asked: string, access: TreeAccess): Promise<Extract<Item, { type: 'file' }>> {
  const { path } = editPath(asked);
  const names = splitPath(path);
  const pattern = sameBytes(names.at(-1) ?? '');
  const folder = sameBytes(names.slice(0, -1).join('/'));
  const { item: above } = await followPath(tree, folder, { access, last: 'follow' });
  if (above?.type !== 'dir') throw await missingPath(tree, path, access);
  const isExact = above.entries.some(({ name }) => name === pattern);
  const glob = compileGlob(pattern);
  const matches = above.entries.filter(({ name }) => (isExact ? name === pattern : glob.matches(name)));
  const [match, second] = matches;
  if (match === undefined) throw await missingPath(tree, path, access);
  if (second !== undefined) {
    throw new PortkitError('PK3306', `${JSON.stringify(asked)} matches ${matches.length} names, and one file is needed`, {
      hint: `They are ${matches
        .slice(0, 5)
        .map(({ name }) => showBytes(name))
        .join(', ')}`,
    });
  }
  const found = joinPath(folder, match.name);
  const { item } = await followPath(tree, found, { access, last: 'follow' });
  if (item === undefined) throw await missingPath(tree, found, access);
  if (item.type === 'file') return item;
  throw new PortkitError('PK3306', `${showPath(byteString(asked))} is no file but a ${item.type}`);
}
