import { closeSync, ftruncateSync, lstatSync, openSync, readdirSync, readlinkSync, readSync, writeSync } from 'node:fs';
import { fromBytes, nodePath } from '../../src/base/byte-string.ts';
import type { ByteString } from '../../src/base/byte-string.ts';
import { planExt4 } from '../../src/formats/ext4/plan.ts';
import { writeExt4 } from '../../src/formats/ext4/write.ts';
import type { Contents, FileEntry } from '../../src/formats/file-tree.ts';
import { printPeak } from './peak.ts';

/** Writes the image of a folder of files, links and folders: `ext4 FOLDER IMAGE [csum]`. */
const [folder = '', output = '', profile] = process.argv.slice(2);
const entries: FileEntry[] = [];
walk('' as ByteString);
// Whoever has a tree has its digest.
const plan = planExt4(entries, { profile: profile === 'csum' ? 'csum' : 'plain', identity: folder });
const fd = openSync(output, 'wx');
const image = {
  setSize: (size: number) => ftruncateSync(fd, size),
  write(bytes: Uint8Array, position: number) {
    for (let done = 0; done < bytes.length;) done += writeSync(fd, bytes, done, bytes.length - done, position + done);
  },
};
await writeExt4(plan, { contents: filesBelow(folder), image }, new AbortController().signal);
closeSync(fd);
printPeak();

function walk(path: ByteString): void {
  const place = nodePath(`${folder}/${path}` as ByteString);
  const stat = lstatSync(place, { bigint: true });
  const attributes = {
    mode: Number(stat.mode) & 0o7777,
    uid: Number(stat.uid),
    gid: Number(stat.gid),
    mtime: { seconds: Number(stat.mtimeNs / 1_000_000_000n), nanos: Number(stat.mtimeNs % 1_000_000_000n) },
    xattrs: [],
  };
  if (stat.isFile()) {
    entries.push({ path, type: 'file', size: Number(stat.size), content: path, ...attributes });
  } else if (stat.isSymbolicLink()) {
    const target = fromBytes(readlinkSync(place, 'buffer'));
    entries.push({ path, type: 'symlink', target, ...attributes });
  } else {
    entries.push({ path, type: 'dir', ...attributes });
    const names = readdirSync(place, 'latin1').sort() as ByteString[];
    for (const name of names) walk(path === '' ? name : (`${path}/${name}` as ByteString));
  }
}

/** The contents by path; one buffer serves all, as the writer is done with a piece before it takes the next. */
function filesBelow(root: string): Contents {
  const buffer = Buffer.alloc(1 << 20);
  async function* pieces(fd: number, first: number): AsyncIterable<Uint8Array> {
    for (let length = first; length > 0; length = readSync(fd, buffer)) yield buffer.subarray(0, length);
    closeSync(fd);
  }
  return {
    open(path) {
      const fd = openSync(nodePath(`${root}/${path}` as ByteString), 'r');
      const length = readSync(fd, buffer);
      if (length === buffer.length) return pieces(fd, length);
      closeSync(fd);
      return buffer.subarray(0, length);
    },
  };
}
