import { showBytes } from '../../base/byte-string.ts';
import type { ByteString } from '../../base/byte-string.ts';
import { PortkitError } from '../../base/errors.ts';

/** A path below `directory`; the root is the empty path. */
export function joinPath(directory: ByteString, name: ByteString): ByteString {
  return directory === '' ? name : sameBytes(`${directory}/${name}`);
}

/** Whether a path leads into a directory. */
export function isBelow(path: ByteString, directory: ByteString): boolean {
  return directory === '' || path.startsWith(`${directory}/`);
}

/** Text that was made of byte strings only, as the byte string that it is. */
export function sameBytes(text: string): ByteString {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- parts and joins of byte strings are byte strings
  return text as ByteString;
}

/** The names of a path within a tree, none for the root; refuses (PK1003) `..`, `.`, empty names and a leading slash. */
export function splitPath(path: ByteString): readonly ByteString[] {
  if (path === '') return [];
  const names = path.split('/').map(sameBytes);
  const bad = names.some((name) => name === '' || name === '.' || name === '..' || name.length > 255 || name.includes('\0'));
  if (!bad) return names;
  throw new PortkitError('PK1003', `The path ${showPath(path)} is not allowed in a tree`, {
    hint: 'A path in a tree has the form a/b/c: no leading or doubled slash, no "." and no ".."',
  });
}

/** A path as it stands in messages. */
export function showPath(path: ByteString): string {
  return JSON.stringify(showBytes(path).slice(0, 200));
}
