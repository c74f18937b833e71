import { closeSync, lstatSync, openSync, readSync, readdirSync, readlinkSync, writeSync } from 'node:fs';
import { fromBytes, toBytes } from '../../src/base/byte-string.ts';
import type { ByteString } from '../../src/base/byte-string.ts';
import { compress } from '../../src/formats/compression/compress.ts';
import { writeCpio } from '../../src/formats/cpio/write.ts';
import type { FileEntry } from '../../src/formats/file-tree.ts';
import type { TarEntry } from '../../src/formats/tar/entry.ts';
import { writeTar } from '../../src/formats/tar/write.ts';
import { printPeak } from './peak.ts';

/** Writes a folder of files, folders and symlinks as an archive: `pack FOLDER OUT cpio|tar none|gzip|zstd`. */
const [folder = '', out = '', kind = '', format = ''] = process.argv.slice(2);
const { signal } = new AbortController();
const entries: FileEntry[] = [];
collect(fromBytes(Buffer.alloc(0)));

const sizes = new Map(entries.flatMap((entry) => (entry.type === 'file' ? [[entry.content, entry.size]] : [])));
const scratch = Buffer.allocUnsafe(2 ** 16);
const archive = kind === 'tar' ? writeTar(tarEntries(), signal) : writeCpio({ entries, contents: { open } }, {}, signal);
const fd = openSync(out, 'w');
const written = format === 'gzip' || format === 'zstd' ? compress(archive, { format }, signal) : archive;
for await (const bytes of written) writeSync(fd, bytes);
closeSync(fd);
printPeak();

function* tarEntries(): Generator<TarEntry> {
  for (const entry of entries) {
    if (entry.type === 'file') yield { ...entry, content: contentOf(entry.content) };
    else if (entry.type === 'symlink') yield entry;
    else if (entry.type === 'dir') yield { ...entry, type: entry.type };
  }
}

async function* contentOf(path: string): AsyncGenerator<Uint8Array> {
  const content = open(path);
  if (content instanceof Uint8Array) yield content;
  else yield* content;
}

function open(path: string): Uint8Array | AsyncIterable<Uint8Array> {
  const size = sizes.get(path) ?? 0;
  if (size > scratch.length) return pieces(path);
  const file = openSync(path, 'r');
  const got = readSync(file, scratch, 0, scratch.length, null);
  closeSync(file);
  return scratch.subarray(0, got);
}

function collect(path: ByteString): void {
  const full = `${folder}/${toBytes(path).toString()}`;
  const { mode, uid, gid, mtimeMs, size, ...stat } = lstatSync(full);
  const attributes = {
    path,
    mode: mode & 0o7777,
    uid,
    gid,
    mtime: { seconds: Math.floor(mtimeMs / 1000), nanos: 0 },
    xattrs: [],
  };
  if ((mode & 0o170000) === 0o040000) {
    entries.push({ ...attributes, type: 'dir' });
    const names = readdirSync(full, { encoding: 'buffer' }).map((name) => fromBytes(name));
    for (const name of names.toSorted()) collect(join(path, name));
  } else if ((mode & 0o170000) === 0o120000) {
    entries.push({ ...attributes, type: 'symlink', target: fromBytes(readlinkSync(full, { encoding: 'buffer' })) });
  } else if (stat.nlink === 1) entries.push({ ...attributes, type: 'file', size, content: full });
}

function join(path: ByteString, name: ByteString): ByteString {
  return path === '' ? name : fromBytes(Buffer.from(`${path}/${name}`, 'latin1'));
}

// oxlint-disable-next-line require-await -- a stream
async function* pieces(path: string): AsyncGenerator<Uint8Array> {
  const file = openSync(path, 'r');
  for (;;) {
    const bytes = Buffer.allocUnsafe(2 ** 18);
    const size = readSync(file, bytes);
    if (size === 0) break;
    yield bytes.subarray(0, size);
  }
  closeSync(file);
}
