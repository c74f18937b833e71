import { showBytes } from '../../src/base/byte-string.ts';
import type { CpioEntry } from '../../src/formats/cpio/entry.ts';

/**
 * One archive of the hostile corpus: what is odd about it, its bytes, and what has to become of it: the code it is refused
 * with, or all that is read, as `type path=content` and so on, separated by `; `.
 */
export type Case = readonly [what: string, bytes: Buffer, expected: string];

/** What was read of one entry, as the expectations have it. */
export async function tell(entry: CpioEntry): Promise<string> {
  const head = `${entry.type} ${showBytes(entry.path)}`;
  if (entry.type === 'file') return `${head}=${Buffer.concat(await Array.fromAsync(entry.content)).toString('latin1')}`;
  if (entry.type === 'symlink' || entry.type === 'hardlink') return `${head}>${showBytes(entry.target)}`;
  return entry.type === 'char' || entry.type === 'block' ? `${head} ${entry.major},${entry.minor}` : head;
}

/** Paths that must not get through as they stand, and what becomes of each when it names a file that holds `x`. */
export const paths: readonly (readonly [path: string, expected: string])[] = [
  ['../x', 'PK3302'],
  ['a/../../x', 'PK3302'],
  ['a/..', 'PK3302'],
  ['..', 'PK3302'],
  ['./../x', 'PK3302'],
  ['/etc/passwd', 'PK3302'],
  ['//etc', 'PK3302'],
  ['/', 'PK3302'],
  ['a//b', 'PK3302'],
  ['.', 'PK3302'],
  ['./.', 'PK3302'],
  ['a/', 'PK3301'],
  ['a/./b', 'file a/b=x'],
  ['./a', 'file a=x'],
  ['...', 'file ...=x'],
  ['..a', 'file ..a=x'],
  ['a\\..\\b', 'file a\\..\\b=x'],
  ['C:x', 'file C:x=x'],
  ['a\nb', 'file a\nb=x'],
  ['-rf', 'file -rf=x'],
  ['\u001b[2J', 'file \u001b[2J=x'],
  ['__proto__', 'file __proto__=x'],
  ['constructor/prototype', 'file constructor/prototype=x'],
  ['12345', 'file 12345=x'],
];

/** Paths that are long or deep; `fits` ones are read. */
export const longPaths: readonly (readonly [what: string, path: string, fits: boolean])[] = [
  ['a name of 255 bytes', 'n'.repeat(255), true],
  ['a name of 256 bytes', 'n'.repeat(256), false],
  ['256 names', Array.from({ length: 256 }, () => 'd').join('/'), true],
  ['257 names', Array.from({ length: 257 }, () => 'd').join('/'), false],
  ['a path of 4095 bytes', Array.from({ length: 128 }, () => 'n'.repeat(31)).join('/'), true],
];
