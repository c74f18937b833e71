import type { ByteString } from '../base/byte-string.ts';
import type { TarBody, TarLimits } from './tar/entry.ts';
import { malformed, refused, show, tooMuch } from './archive-errors.ts';

/**
 * A path as it is kept: relative, without `.` and without the slash at the end of a directory. Absolute paths, `..`, empty
 * names and what no file system can hold are refused, not mended.
 */
export function cleanPath(path: ByteString, where: string): ByteString {
  const names = path.split('/');
  if (names[0] === '' && path !== '') throw refused(where, `the path ${show(path)} is absolute`);
  if (path === '' || path.length > 4095 || names.length > 256)
    throw refused(where, `the path ${show(path)} is empty or too long`);
  if (names.at(-1) === '') names.pop();
  for (const name of names) {
    if (name === '..') throw refused(where, `the path ${show(path)} leads upwards`);
    if (name === '' || name.length > 255) throw refused(where, `the path ${show(path)} holds an empty or too long name`);
  }
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- parts of a byte string joined are a byte string
  return names.filter((name) => name !== '.').join('/') as ByteString;
}

/** What an entry may be, as far as its place in the tree goes. */
export type Placed = { readonly type: Exclude<TarBody['type'], 'hardlink'> | 'socket' } | Extract<TarBody, { type: 'hardlink' }>;

/** The tree that the entries so far make: what decides whether one more fits. */
export interface Known {
  readonly types: Map<string, Placed['type']>;
  readonly limits: TarLimits;
  /** Where hard links may lead besides the files before them: to files of no archive, to files after them, or nowhere. */
  readonly otherLinks: 'outside' | 'later' | 'none';
}

/**
 * Takes note of an entry. A path may come twice only as a directory; nothing goes below what is no directory, so not through
 * a symlink either. Answers whether a hard link waits for a file after it; its own path is a `hardlink` until then.
 */
export function note(
  { types, limits, otherLinks }: Known,
  path: ByteString,
  { body, where }: { readonly body: Placed; readonly where: string },
): boolean {
  const { type } = body;
  for (let at = path.lastIndexOf('/'); at > 0; at = path.lastIndexOf('/', at - 1)) {
    const parent = path.slice(0, at);
    const there = types.get(parent);
    if (there === 'dir') break;
    if (there !== undefined) throw refused(where, `the path ${show(path)} goes through a ${there}`);
    types.set(parent, 'dir');
  }
  const there = types.get(path);
  if (path === '' && type !== 'dir') throw refused(where, `the root of the archive is a ${type}`);
  if (there !== undefined && (there !== 'dir' || type !== 'dir')) throw refused(where, `the path ${show(path)} comes twice`);
  const waits = body.type === 'hardlink' && !isThere(types.get(body.target), otherLinks);
  if (body.type === 'hardlink' && waits && (otherLinks !== 'later' || !mayCome(types.get(body.target))))
    throw refused(where, `${show(path)} is a hard link to ${show(body.target)}, which is no file before it in the archive`);
  types.set(path, type === 'hardlink' && !waits ? 'file' : type);
  if (types.size > limits.entries) throw tooMuch(where, `more than ${limits.entries} names`);
  return waits;
}

function isThere(target: Placed['type'] | undefined, otherLinks: Known['otherLinks']): boolean {
  return target === 'file' || (target === undefined && otherLinks === 'outside');
}

function mayCome(target: Placed['type'] | undefined): boolean {
  return target === undefined || target === 'hardlink';
}

/** The target of a symlink is kept as it is, wherever it leads: nothing here follows it, and nothing may go through it. */
export function checkTarget(target: ByteString, where: string): ByteString {
  if (target === '' || target.length > 4095) throw malformed(where, 'a symlink has no target or one that is too long');
  return target;
}

/** Whether a path stands before another in a tree: names by byte, and what a directory holds right behind it. */
export function isBefore(path: ByteString, other: ByteString): boolean {
  for (let at = 0; at < path.length && at < other.length; at++) {
    const [a, b] = [path.charCodeAt(at), other.charCodeAt(at)];
    if (a !== b) return a === slash || (b !== slash && a < b);
  }
  return path.length < other.length;
}

const slash = '/'.charCodeAt(0);

/** Text that sorts like a tree: the slash before every other byte. */
export function treeOrder(path: ByteString): string {
  return path.replaceAll('/', '\0');
}
