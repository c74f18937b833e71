import { createHash } from 'node:crypto';
import { statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname } from 'node:path';
import { byteString } from '../../base/byte-string.ts';
import { digestFromHex } from '../../base/digest.ts';
import { compress } from '../../formats/compression/compress.ts';
import type { FileEntry, FileTree } from '../../formats/file-tree.ts';
import { writeTar } from '../../formats/tar/write.ts';
import { tarEntriesOf } from '../../formats/tar/tree-entries.ts';
import { parseOciDigest } from '../../oci/model/digest.ts';
import { contentType } from '../../oci/typed/pack.ts';
import type { Content } from '../../oci/typed/pack.ts';
import { openScratch, piecesOf } from '../../ops/scratch-file.ts';
import { treeFrom } from '../image/source.ts';

/** A directory or file as the one layer of an artifact, kept in TMPDIR until it is disposed. */
export async function contentOf(from: string, signal: AbortSignal): Promise<Content & Disposable> {
  const held = new DisposableStack();
  try {
    const isFile = statSync(from, { throwIfNoEntry: false })?.isFile() === true;
    const tree = held.use(await treeFrom({ from: isFile ? dirname(from) : from, reference: undefined }, signal));
    const entries = isFile ? onlyFile(tree, basename(from)) : tree.entries;
    const alike = { entries: entries.map(asPacked), contents: tree.contents };
    const { fd, write } = held.use(openScratch(tmpdir()));
    const hash = createHash('sha256');
    let size = 0;
    for await (const chunk of compress(writeTar(tarEntriesOf(alike, signal), signal), { format: 'gzip' }, signal)) {
      hash.update(chunk);
      write(chunk, size);
      size += chunk.length;
    }
    const digest = parseOciDigest(digestFromHex(hash.digest('hex')));
    return {
      descriptor: { mediaType: contentType, digest, size },
      source: { open: (_, offset = 0) => piecesOf(fd, { at: offset, size: size - offset }) },
      [Symbol.dispose]: () => held.dispose(),
    };
  } catch (error) {
    held.dispose();
    throw error;
  }
}

/** Owners, times and the umask of this machine are not part of an artifact. */
function asPacked(entry: FileEntry): FileEntry {
  if (entry.type === 'hardlink') return entry;
  const isOpen = entry.type === 'dir' || entry.type === 'symlink' || (entry.mode & 0o100) !== 0;
  return { ...entry, uid: 0, gid: 0, mtime: { seconds: 0, nanos: 0 }, mode: isOpen ? 0o755 : 0o644, xattrs: [] };
}

function onlyFile({ entries }: FileTree, name: string): readonly FileEntry[] {
  const path = byteString(name);
  return entries.filter((entry) => entry.path.length === 0 || entry.path === path);
}
