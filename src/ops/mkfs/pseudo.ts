import { showBytes } from '../../base/byte-string.ts';
import { PortkitError } from '../../base/errors.ts';
import type { FileAttributes, FileEntry, FileTree } from '../../formats/file-tree.ts';

/** The largest device numbers, and the largest time, that a squashfs holds. */
const [mostMajor, mostMinor, lastSecond] = [0xfff, 0xfffff, 0xffffffff];

/**
 * The head of a pseudo file of mksquashfs: one line for every entry but the root, and the mark behind which the contents of all files
 * come in the order of the entries. An old mksquashfs (before 4.6) is not told for files whether they are sparse, which it
 * finds out itself. PK3955 for an entry that no line can say.
 */
export function definitions(entries: readonly FileEntry[], old: boolean): Uint8Array {
  const lines: string[] = [];
  let offset = 0;
  for (const entry of entries) {
    check(entry);
    const path = entry.path === '' ? '/' : escaped(entry.path);
    if (entry.type === 'hardlink') {
      lines.push(`${path} L ${escaped(entry.target)}`);
      continue;
    }
    const { uid, gid, mode, xattrs } = entry;
    const head = (kind: string): string => `${path} ${kind} ${secondsOf(entry)} ${mode.toString(8)} ${uid} ${gid}`;
    // The root is the folder that the program is given, and is told by options.
    if (entry.type === 'dir' && entry.path !== '') lines.push(head('D'));
    if (entry.type === 'file') {
      lines.push(`${head('R')} ${entry.size} ${offset}${old ? '' : ' 0'}`);
      offset += entry.size;
    }
    if (entry.type === 'symlink') lines.push(`${head('S')} ${entry.target}`);
    if (entry.type === 'fifo' || entry.type === 'socket') lines.push(`${head('I')} ${entry.type === 'fifo' ? 'f' : 's'}`);
    if (entry.type === 'char' || entry.type === 'block')
      lines.push(`${head(entry.type === 'char' ? 'C' : 'B')} ${entry.major} ${entry.minor}`);
    for (const { name, value } of xattrs) lines.push(`${path} x ${name}=0s${broken(value)}`);
  }
  return Buffer.from(`${lines.join('\n')}\n#\n# START OF DATA - DO NOT MODIFY\n#\n`, 'latin1');
}

/** The contents of all files, one after the other. */
export async function* pieces({ entries, contents }: FileTree, signal: AbortSignal): AsyncGenerator<Uint8Array> {
  for (const entry of entries) {
    if (entry.type !== 'file') continue;
    signal.throwIfAborted();
    const content = contents.open(entry.content, signal);
    let size = 0;
    for await (const bytes of content instanceof Uint8Array ? [content] : content) {
      size += bytes.length;
      yield bytes;
    }
    if (size !== entry.size)
      throw new PortkitError('PK2101', `"/${showBytes(entry.path)}" has not the ${entry.size} bytes that it announced`);
  }
}

/** The options that say what the root is. */
export function rootOptions([root]: readonly FileEntry[]): readonly string[] {
  if (root?.type !== 'dir') throw new Error('The tree has no root');
  const { mode, uid, gid } = root;
  const told = { mode: mode.toString(8), uid, gid, time: secondsOf(root) };
  return Object.entries(told).flatMap(([name, value]) => [`-root-${name}`, `${value}`]);
}

function secondsOf({ mtime }: FileAttributes): number {
  return Math.min(Math.max(mtime.seconds, 0), lastSecond);
}

/** A name in a line: white space would end it, a quote would change it, a mark of a comment would hide it. */
function escaped(path: string): string {
  return path.replaceAll(/[\t-\r "\\#]/g, String.raw`\$&`);
}

/** Base64, as hex digits end 4.6.1; a line has at most 16,384 bytes and goes on in the next one behind a backslash. */
function broken(value: Uint8Array): string {
  return Buffer.from(value)
    .toString('base64')
    .replaceAll(/.{8192}(?=.)/g, '$&\\\n');
}

function check(entry: FileEntry): void {
  const what = unspeakable(entry);
  if (what === undefined) return;
  throw new PortkitError('PK3955', `"/${showBytes(entry.path)}" cannot be told to mksquashfs: it ${what}`, {
    hint: 'Leave it out of the tree, or make an ext4 image',
  });
}

function unspeakable(entry: FileEntry): string | undefined {
  if (entry.path.includes('\n')) return 'has a line break in its name';
  if (entry.type === 'symlink') {
    if (entry.target.includes('\n')) return 'has a line break in its target';
    if (/^[\t-\r ]|\\$/.test(entry.target)) return 'has a target that begins with white space or ends with a backslash';
  }
  if ((entry.type === 'char' || entry.type === 'block') && (entry.major > mostMajor || entry.minor > mostMinor))
    return `is a device above ${mostMajor}:${mostMinor}`;
  const xattrs = entry.type === 'hardlink' ? [] : entry.xattrs;
  if (xattrs.some(({ name }) => !/^(?:user|trusted|security)\.[^\t-\r =\\"]+$/.test(name)))
    return 'has an extended attribute with a name that it does not know';
  if (xattrs.some(({ value }) => value.length === 0)) return 'has an extended attribute without a value';
  return undefined;
}
