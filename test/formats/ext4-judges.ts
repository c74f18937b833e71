import { execFileSync, spawnSync } from 'node:child_process';
import { lstatSync, mkdtempSync, readdirSync, readFileSync, readlinkSync, rmdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { expect } from 'vitest';
import { fromBytes, toBytes } from '../../src/base/byte-string.ts';
import type { ByteString } from '../../src/base/byte-string.ts';
import type { FileEntry } from '../../src/formats/file-tree.ts';
import { bytesOf } from './contents.ts';

/** Why e2fsprogs cannot judge here. */
export function whyNoTools(): string | undefined {
  const missing = ['e2fsck', 'debugfs', 'resize2fs'].find((tool) => spawnSync(tool, ['-V']).error !== undefined);
  return missing === undefined ? undefined : `needs ${missing} (e2fsprogs)`;
}

/** Why no image can be mounted here. */
export function whyNoMount(): string | undefined {
  if (process.getuid?.() !== 0) return 'needs root to mount an image';
  if (spawnSync('losetup', ['--find']).status !== 0) return 'needs a loop device';
  return spawnSync('getfattr', ['--version']).error === undefined ? undefined : 'needs getfattr (attr)';
}

const silence = [
  /^Pass 1: Checking inodes, blocks, and sizes$/,
  /^Pass 2: Checking directory structure$/,
  /^Pass 3: Checking directory connectivity$/,
  /^Pass 4: Checking reference counts$/,
  /^Pass 5: Checking group summary information$/,
  /: \d+\/\d+ files \([\d.]+% non-contiguous\), \d+\/\d+ blocks$/,
];

/** e2fsck finds nothing. Its status is 0 for some faults too, so its words count: any line but the usual ones is a fault. */
export function expectClean(image: string): void {
  const { status, stdout, stderr } = spawnSync('e2fsck', ['-fn', image], { encoding: 'utf8' });
  const words = stdout.split('\n').filter((line) => line !== '' && !silence.some((usual) => usual.test(line)));
  const complaints = stderr.split('\n').filter((line) => line !== '' && !line.startsWith('e2fsck 1.'));
  expect({ status, words, complaints }).toEqual({ status: 0, words: [], complaints: [] });
  expect(stdout).toContain('Pass 5');
}

/** What `work` does while the image is mounted. */
export function mounted<T>(image: string, how: 'ro' | 'rw', work: (at: string) => T): T {
  return mountedAs({ image, how, type: 'ext4' }, work);
}

/** What `work` does while an image of some kind is mounted. */
export function mountedAs<T>(
  { image, how, type }: { readonly image: string; readonly how: 'ro' | 'rw'; readonly type: string },
  work: (at: string) => T,
): T {
  const at = mkdtempSync(join(tmpdir(), 'portkit-mount-'));
  try {
    execFileSync('mount', ['-t', type, '-o', `loop,${how}`, image, at]);
    try {
      return work(at);
    } finally {
      execFileSync('umount', [at]);
    }
  } finally {
    rmdirSync(at);
  }
}

/** What a mounted image shows of one path. */
interface Shown {
  readonly type: string;
  readonly mode: number;
  readonly owner: string;
  readonly mtime: bigint;
  readonly links: number;
  readonly payload: string;
  readonly xattrs: Readonly<Record<string, string>>;
}

/** A mounted image shows exactly the tree: every path, attribute, link and byte. */
export function expectTree(at: string, entries: readonly FileEntry[]): void {
  const walked = [...walk(at, '' as ByteString)];
  const found = walked.filter((path) => path !== 'lost+found');
  const wanted = entries.map(({ path }) => path).filter((path) => path !== 'lost+found');
  expect(found.toSorted()).toEqual(wanted.toSorted());
  const xattrs = readXattrs(at);
  const inodes = new Map(entries.filter((entry) => entry.type !== 'hardlink').map((entry) => [entry.path, entry]));
  for (const entry of entries) {
    const real = entry.type === 'hardlink' ? inodes.get(entry.target)! : entry;
    const stat = lstatSync(placed(at, entry.path), { bigint: true });
    const [seen, wanted] = [shown(at, entry.path, xattrs), expected(real, entries, found.length < walked.length)];
    // Only what differs is worth the time that a report takes.
    if (!isDeepStrictEqual(seen, wanted)) expect(seen, `"${entry.path}"`).toEqual(wanted);
    if (entry.type === 'hardlink') expect(stat.ino).toBe(lstatSync(placed(at, entry.target), { bigint: true }).ino);
    if (real.type === 'file' && !readFileSync(placed(at, entry.path)).equals(bytesOf(real.content))) {
      expect.fail(`the content of "${entry.path}" differs`);
    }
  }
}

function placed(at: string, path: ByteString): Buffer {
  return Buffer.concat([Buffer.from(`${at}/`), toBytes(path)]);
}

function* walk(at: string, path: ByteString): Iterable<ByteString> {
  yield path;
  for (const child of readdirSync(placed(at, path), { encoding: 'buffer', withFileTypes: true })) {
    const name = fromBytes(child.name);
    const below = (path === '' ? name : `${path}/${name}`) as ByteString;
    if (child.isDirectory()) yield* walk(at, below);
    else yield below;
  }
}

const types: Readonly<Record<number, string>> = {
  0o01: 'fifo',
  0o02: 'char',
  0o04: 'dir',
  0o06: 'block',
  0o10: 'file',
  0o12: 'symlink',
  0o14: 'socket',
};

function shown(at: string, path: ByteString, xattrs: ReadonlyMap<string, Shown['xattrs']>): Shown {
  const stat = lstatSync(placed(at, path), { bigint: true });
  const mode = Number(stat.mode);
  const type = types[mode >> 12] ?? '';
  const rdev = Number(stat.rdev);
  const device = `${(rdev >>> 8) & 0xfff}:${(rdev & 0xff) | ((rdev >>> 12) & 0xf_ff00)}`;
  const payloads: Readonly<Record<string, () => string>> = {
    symlink: () => fromBytes(readlinkSync(placed(at, path), 'buffer')),
    file: () => `${stat.size}`,
    char: () => device,
    block: () => device,
  };
  return {
    type,
    mode: mode & 0o7777,
    owner: `${stat.uid}:${stat.gid}`,
    mtime: stat.mtimeNs,
    links: Number(stat.nlink),
    payload: payloads[type]?.() ?? '',
    xattrs: xattrs.get(path) ?? {},
  };
}

function expected(entry: Exclude<FileEntry, { type: 'hardlink' }>, entries: readonly FileEntry[], lostFound: boolean): Shown {
  const payloads: Readonly<Record<string, () => string>> = {
    symlink: () => (entry.type === 'symlink' ? entry.target : ''),
    file: () => (entry.type === 'file' ? `${entry.size}` : ''),
    char: () => ('major' in entry ? `${entry.major}:${entry.minor}` : ''),
    block: () => ('major' in entry ? `${entry.major}:${entry.minor}` : ''),
  };
  return {
    type: entry.type,
    mode: entry.mode,
    owner: `${entry.uid}:${entry.gid}`,
    mtime: BigInt(entry.mtime.seconds) * 1_000_000_000n + BigInt(entry.mtime.nanos),
    links: entry.type === 'dir' ? 2 + subdirectories(entry.path, entries, lostFound) : 1 + namesOf(entry.path, entries),
    payload: payloads[entry.type]?.() ?? '',
    xattrs: Object.fromEntries(entry.xattrs.map(({ name, value }) => [name, Buffer.from(value).toString('hex')])),
  };
}

function subdirectories(path: string, entries: readonly FileEntry[], lostFound: boolean): number {
  const parentOf = (child: string): string => child.slice(0, Math.max(child.lastIndexOf('/'), 0));
  const found = entries.filter((entry) => entry.type === 'dir' && entry.path !== '' && parentOf(entry.path) === path);
  const own = lostFound && path === '' && !found.some((entry) => entry.path === 'lost+found') ? 1 : 0;
  return found.length + own;
}

function namesOf(path: string, entries: readonly FileEntry[]): number {
  return entries.filter((entry) => entry.type === 'hardlink' && entry.target === path).length;
}

/** All attributes of all paths, values in hex. */
function readXattrs(at: string): ReadonlyMap<string, Shown['xattrs']> {
  const how = { encoding: 'latin1', maxBuffer: 2 ** 28 } as const;
  const args = ['-R', '-P', '-h', '-d', '-m', '-', '-e', 'hex', '--absolute-names', at];
  const { status, stdout: dump, stderr } = spawnSync('getfattr', args, how);
  // An image without any may say so.
  if (status !== 0) expect(stderr.replaceAll(/^getfattr: .*: Operation not supported\n/gm, '')).toBe('');
  const found = new Map<string, Record<string, string>>();
  let current: Record<string, string> = {};
  for (const line of dump.split('\n')) {
    if (line.startsWith('# file: ')) {
      const path = unquote(line.slice('# file: '.length)).slice(at.length + 1);
      current = {};
      found.set(path, current);
    } else if (line !== '') {
      const [name, value] = splitAt(line, line.indexOf('='));
      current[unquote(name)] = value.replace(/^=(0x)?/, '');
    }
  }
  return found;
}

const splitAt = (text: string, at: number): readonly [string, string] =>
  at < 0 ? [text, ''] : [text.slice(0, at), text.slice(at)];

/** getfattr writes some bytes as a backslash and three octal digits. */
function unquote(text: string): string {
  return text.replaceAll(/\\(\d{3})/g, (_, digits: string) => String.fromCodePoint(Number.parseInt(digits, 8)));
}
