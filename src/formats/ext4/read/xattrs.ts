import type { ByteString } from '../../../base/byte-string.ts';
import { fromBytes } from '../../../base/byte-string.ts';
import { crc32c } from '../disk/crc32c.ts';
import { bytesOf32, crcWithout } from './checksums.ts';
import type { FileSystem } from './file-system.ts';
import { isDataBlock, readBlock } from './file-system.ts';
import type { Inode } from './inode.ts';
import type { Report } from './report.ts';

/** An extended attribute under its whole name, with the value as it is on disk. */
export interface Xattr {
  readonly name: ByteString;
  readonly value: Uint8Array;
}

/** What names on disk leave out, by the number they have instead. */
const prefixes: Readonly<Record<number, string>> = {
  1: 'user.',
  2: 'system.posix_acl_access',
  3: 'system.posix_acl_default',
  4: 'trusted.',
  6: 'security.',
  7: 'system.',
};
const magic = 0xea020000;
const blockHeaderSize = 32;
const entryHeadSize = 16;

/** The attributes in the inode itself, behind its fields. */
export function xattrsInInode(inode: Inode, report: Report): readonly Xattr[] {
  const { bytes, extraSize } = inode;
  const start = 128 + extraSize;
  if (bytes.length <= 128 || start + 4 > bytes.length) return [];
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (view.getUint32(start, true) !== magic) return [];
  const area = bytes.subarray(start + 4);
  return parseEntries({ area, first: 0, wrong: (what) => report({ kind: 'inode', inode: inode.number }, what) });
}

/** The attributes in the block that an inode names; several inodes may name one. */
export function xattrsInBlock(fs: FileSystem, block: number, wrong: (what: string) => void): readonly Xattr[] {
  if (!isDataBlock(fs, block)) {
    wrong(`the block of its extended attributes lies outside of the image (${String(block)})`);
    return [];
  }
  const area = readBlock(fs, block);
  const view = new DataView(area.buffer, area.byteOffset, area.byteLength);
  if (view.getUint32(0, true) !== magic || view.getUint32(8, true) !== 1) {
    wrong(`block ${String(block)} is not one of extended attributes`);
    return [];
  }
  if (fs.seed !== undefined) {
    const number = Uint8Array.of(...bytesOf32(block % 2 ** 32), ...bytesOf32(Math.floor(block / 2 ** 32)));
    if (crcWithout(crc32c(fs.seed, number), area, [16, 4]) !== view.getUint32(16, true))
      wrong(`the checksum of block ${String(block)} of extended attributes is wrong`);
  }
  return parseEntries({ area, first: blockHeaderSize, wrong });
}

interface Area {
  readonly area: Uint8Array;
  /** Where the first entry is; values are counted from the beginning of the area. */
  readonly first: number;
  readonly wrong: (what: string) => void;
}

function parseEntries({ area, first, wrong }: Area): readonly Xattr[] {
  const view = new DataView(area.buffer, area.byteOffset, area.byteLength);
  const found: Xattr[] = [];
  const used = new Uint8Array(area.length);
  let at = first;
  while (at + 4 <= area.length && view.getUint32(at, true) !== 0) {
    const nameEnd = at + entryHeadSize + (view.getUint8(at) || 0);
    if (nameEnd > area.length) {
      wrong('an extended attribute reaches over the end');
      return found;
    }
    const prefix = prefixes[view.getUint8(at + 1)];
    const offset = view.getUint16(at + 2, true);
    const size = view.getUint32(at + 8, true);
    const next = (nameEnd + 3) & ~3;
    used.fill(1, at, next);
    if (view.getUint32(at + 4, true) !== 0 || prefix === undefined || offset + size > area.length || !take(used, offset, size)) {
      wrong('an extended attribute is malformed');
      return found;
    }
    const name = fromBytes(area.subarray(at + entryHeadSize, nameEnd));
    found.push({ name: `${prefix}${name}` as ByteString, value: area.subarray(offset, offset + size) });
    at = next;
  }
  if (at + 4 > area.length || !take(used, at, 4)) wrong('the list of extended attributes has no end');
  return found;
}

/** Marks bytes as used; false when some were. */
function take(used: Uint8Array, at: number, length: number): boolean {
  const part = used.subarray(at, at + length);
  if (part.includes(1)) return false;
  part.fill(1);
  return true;
}
