import { byteString, fromBytes } from '../../src/base/byte-string.ts';
import { defaultDecompressLimits } from '../../src/formats/compression/decompress.ts';
import type { CpioEntry } from '../../src/formats/cpio/entry.ts';
import { readCpio } from '../../src/formats/cpio/read.ts';
import type { CpioHelp } from '../../src/formats/cpio/read.ts';
import { writeCpio } from '../../src/formats/cpio/write.ts';
import type { CpioOptions } from '../../src/formats/cpio/write.ts';
import type { FileEntry, FileTree } from '../../src/formats/file-tree.ts';
import { defaultTarLimits } from '../../src/formats/tar/entry.ts';

/** Nobody cancels. */
export const { signal } = new AbortController();

/** Reads anything that an initramfs can be, without xz. */
export const cpioHelp: CpioHelp = {
  archive: defaultTarLimits,
  limits: defaultDecompressLimits,
  unxz: () => {
    throw new Error('There is no xz here');
  },
};

/** Attributes that say nothing. */
export const plain = { mode: 0o644, uid: 0, gid: 0, mtime: { seconds: 0, nanos: 0 }, xattrs: [] };

/** The root of a tree. */
export const root: FileEntry = { ...plain, path: byteString(''), type: 'dir', mode: 0o755 };

/** A tree whose files hold what their content is called, read in pieces of one size. */
export function treeOf(entries: readonly FileEntry[], piece = 0): FileTree {
  return {
    entries,
    contents: {
      open(content) {
        const bytes = Buffer.from(content, 'latin1');
        return piece === 0 ? bytes : stream(bytes, piece);
      },
    },
  };
}

/** Bytes as a stream of pieces. */
// oxlint-disable-next-line require-await -- a stream
export async function* stream(bytes: Uint8Array, piece = Math.max(bytes.length, 1)): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += piece) yield bytes.subarray(at, at + piece);
}

/** All of a stream. */
export async function collect(source: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const parts: Uint8Array[] = [];
  for await (const part of source) parts.push(part);
  return Buffer.concat(parts);
}

/** A tree as bytes of a cpio. */
export function cpioOf(tree: FileTree, options: CpioOptions = {}): Promise<Buffer> {
  return collect(writeCpio(tree, options, signal));
}

/** What is read from a cpio; contents as latin1. */
export async function entriesOf(bytes: Uint8Array, help: CpioHelp = cpioHelp, piece?: number): Promise<readonly FileEntry[]> {
  const entries: FileEntry[] = [];
  for await (const entry of readCpio(stream(bytes, piece), help, signal)) entries.push(await listed(entry));
  return entries;
}

async function listed(entry: CpioEntry): Promise<FileEntry> {
  if (entry.type === 'file') return { ...entry, content: fromBytes(await collect(entry.content)) };
  if (entry.type === 'hardlink') return { path: entry.path, type: entry.type, target: entry.target };
  return entry;
}
