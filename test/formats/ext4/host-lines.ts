import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { lstatSync, readFileSync, readdirSync, readlinkSync } from 'node:fs';
import type { FileTree } from '../../../src/formats/file-tree.ts';
import { toBytes } from '../../../src/base/byte-string.ts';
import type { ByteString } from '../../../src/base/byte-string.ts';

const types: Readonly<Record<number, string>> = {
  0x1000: 'fifo',
  0x2000: 'char',
  0x4000: 'dir',
  0x6000: 'block',
  0x8000: 'file',
  0xa000: 'symlink',
  0xc000: 'socket',
};

/** Which of the times and attributes are compared: not everything goes through every tool. */
export interface Compared {
  readonly nanos: boolean;
}

/** What the kernel shows of a directory and all in it, one line for each path. */
export function hostLines(root: string, { nanos }: Compared): readonly string[] {
  const firsts = new Map<bigint, string>();
  const xattrs = hostXattrs(root);
  const lines: string[] = [];
  visit('');
  return lines;

  function visit(path: string): void {
    const full = path === '' ? Buffer.from(root) : Buffer.concat([Buffer.from(`${root}/`), toBytes(path as ByteString)]);
    const stat = lstatSync(full, { bigint: true });
    const type = types[Number(stat.mode) & 0xf000] ?? '?';
    const first = type === 'dir' ? undefined : firsts.get(stat.ino);
    if (first !== undefined) {
      lines.push(`${path} = ${first}`);
      return;
    }
    firsts.set(stat.ino, path);
    const time = nanos ? stat.mtimeNs : stat.mtimeNs / 1_000_000_000n;
    const special =
      type === 'symlink'
        ? readlinkSync(full, 'latin1')
        : type === 'file'
          ? `${String(stat.size)} ${sum(readFileSync(full))}`
          : type === 'char' || type === 'block'
            ? deviceOf(stat.rdev)
            : '';
    lines.push(
      `${path} ${type} ${(Number(stat.mode) & 0o7777).toString(8)} ${String(stat.uid)}:${String(stat.gid)} ${String(time)} ${special} ${xattrs.get(path) ?? ''}`.trimEnd(),
    );
    if (type !== 'dir') return;
    const names = readdirSync(full, 'latin1').toSorted();
    for (const name of names) visit(path === '' ? name : `${path}/${name}`);
  }
}

/** The same of a tree that was read. */
export async function treeLines({ entries, contents }: FileTree, { nanos }: Compared): Promise<readonly string[]> {
  const lines: string[] = [];
  for (const entry of entries) {
    if (entry.type === 'hardlink') {
      lines.push(`${entry.path} = ${entry.target}`);
      continue;
    }
    const { seconds, nanos: part } = entry.mtime;
    const time = nanos ? BigInt(seconds) * 1_000_000_000n + BigInt(part) : BigInt(seconds);
    const special =
      entry.type === 'symlink'
        ? entry.target
        : entry.type === 'file'
          ? `${String(entry.size)} ${sum(await bytesOf(contents.open(entry.content, new AbortController().signal)))}`
          : entry.type === 'char' || entry.type === 'block'
            ? `${String(entry.major)}:${String(entry.minor)}`
            : '';
    const xattrs = entry.xattrs.map(({ name, value }) => `${name}=0x${Buffer.from(value).toString('hex')}`).join(' ');
    lines.push(
      `${entry.path} ${entry.type} ${entry.mode.toString(8)} ${String(entry.uid)}:${String(entry.gid)} ${String(time)} ${special} ${xattrs}`.trimEnd(),
    );
  }
  return lines;
}

async function bytesOf(content: Uint8Array | AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  if (content instanceof Uint8Array) return content;
  const parts: Uint8Array[] = [];
  for await (const part of content) parts.push(part);
  return Buffer.concat(parts);
}

function sum(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex').slice(0, 16);
}

/** The extended attributes of everything below a directory, as `getfattr` prints them. */
function hostXattrs(root: string): ReadonlyMap<string, string> {
  const text = execFileSync('getfattr', ['-R', '-h', '-P', '-d', '-m', '-', '-e', 'hex', '.'], { cwd: root, maxBuffer: 2 ** 27 });
  const found = new Map<string, string>();
  for (const part of text.toString('latin1').split('\n\n')) {
    const [head, ...values] = part.split('\n').filter((line) => line !== '');
    if (head === undefined) continue;
    const path = head
      .replace(/^# file: /, '')
      .replaceAll(/\\(\d{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)));
    found.set(
      path === '.' ? '' : path.replace(/^\.\//, ''),
      values
        .toSorted()
        .map((line) => (line.includes('=') ? line : `${line}=0x`))
        .join(' '),
    );
  }
  return found;
}

function deviceOf(device: bigint): string {
  const major = ((device >> 8n) & 0xfffn) | ((device >> 32n) & ~0xfffn);
  const minor = (device & 0xffn) | ((device >> 12n) & ~0xffn);
  return `${String(major)}:${String(minor)}`;
}
