import type { ByteString } from '../../../base/byte-string.ts';
import { fromBytes } from '../../../base/byte-string.ts';
import { aclFromDisk } from '../disk/acl.ts';
import { xattrBlockChecksum } from '../disk/checksums.ts';
import { xattrEntry, xattrEntryHash, xattrHeader, xattrHeaderLength, xattrMagic, xattrPrefixes } from '../disk/xattr.ts';
import type { FileSystem } from './file-system.ts';
import { isDataBlock, readBlock } from './file-system.ts';
import type { Inode } from './inode.ts';
import type { Report } from './report.ts';

/** An extended attribute as the kernel shows it: under its whole name, an access control list in the kernel's form. */
export interface Xattr {
  readonly name: ByteString;
  readonly value: Uint8Array;
}

const prefixes: Readonly<Record<number, string>> = { ...xattrPrefixes, 7: 'system.' };
const acls = new Set<string>([xattrPrefixes[2], xattrPrefixes[3]]);

/** The attributes in the inode itself, behind its fields. */
export function xattrsInInode(inode: Inode, report: Report): readonly Xattr[] {
  const { bytes, extraSize } = inode;
  const start = 128 + extraSize;
  if (extraSize === 0 || start + xattrHeaderLength.inode > bytes.length) return [];
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (view.getUint32(start, true) !== xattrMagic) return [];
  const area = bytes.subarray(start + xattrHeaderLength.inode);
  return parseEntries({ area, first: 0, hashed: false, wrong: (what) => report({ kind: 'inode', inode: inode.number }, what) });
}

/** The attributes in the block that an inode names; several inodes may name one. */
export function xattrsInBlock(fs: FileSystem, block: number, wrong: (what: string) => void): readonly Xattr[] {
  if (!isDataBlock(fs, block)) {
    wrong(`the block of its extended attributes lies outside of the image (${String(block)})`);
    return [];
  }
  const area = readBlock(fs, block);
  const view = new DataView(area.buffer, area.byteOffset, area.byteLength);
  if (view.getUint32(xattrHeader.magic, true) !== xattrMagic || view.getUint32(xattrHeader.blocks, true) !== 1) {
    wrong(`block ${String(block)} is not one of extended attributes`);
    return [];
  }
  if (fs.seed !== undefined && xattrBlockChecksum(fs.seed, block, area) !== view.getUint32(xattrHeader.checksum, true))
    wrong(`the checksum of block ${String(block)} of extended attributes is wrong`);
  return parseEntries({ area, first: xattrHeaderLength.block, hashed: true, wrong });
}

interface Area {
  readonly area: Uint8Array;
  /** Where the first entry is; values are counted from the beginning of the area. */
  readonly first: number;
  /** Has every entry a hash? In inodes some leave it out. */
  readonly hashed: boolean;
  readonly wrong: (what: string) => void;
}

function parseEntries({ area, first, hashed, wrong }: Area): readonly Xattr[] {
  const view = new DataView(area.buffer, area.byteOffset, area.byteLength);
  const found: Xattr[] = [];
  const used = new Uint8Array(area.length);
  let at = first;
  while (at + 4 <= area.length && view.getUint32(at, true) !== 0) {
    const nameEnd = at + xattrEntry.name + view.getUint8(at + xattrEntry.nameLength);
    if (nameEnd > area.length) {
      wrong('an extended attribute reaches over the end');
      return found;
    }
    const prefix = prefixes[view.getUint8(at + xattrEntry.nameIndex)];
    const offset = view.getUint16(at + xattrEntry.valueOffset, true);
    const size = view.getUint32(at + xattrEntry.valueSize, true);
    const next = (nameEnd + 3) & ~3;
    used.fill(1, at, next);
    const padded = (size + 3) & ~3;
    const inside = size <= area.length && offset + padded <= area.length && take(used, offset, padded);
    if (view.getUint32(at + xattrEntry.valueInode, true) !== 0 || prefix === undefined || !inside) {
      wrong('an extended attribute is malformed');
      return found;
    }
    const name = area.subarray(at + xattrEntry.name, nameEnd);
    const hash = view.getUint32(at + xattrEntry.hash, true);
    if ((hash !== 0 || hashed) && !isHash(hash, name, area.subarray(offset, offset + padded)))
      wrong('the hash of an extended attribute is wrong');
    const stored = area.subarray(offset, offset + size);
    const value = acls.has(prefix) ? aclFromDisk(stored) : stored;
    if (value === undefined) wrong('an access control list is malformed');
    else found.push({ name: `${prefix}${fromBytes(name)}` as ByteString, value });
    at = next;
  }
  if (at + 4 > area.length || !take(used, at, 4)) wrong('the list of extended attributes has no end');
  return found;
}

/** Is this the hash of an attribute, whichever way its name was hashed? */
function isHash(hash: number, name: Uint8Array, value: Uint8Array): boolean {
  return hash === xattrEntryHash(name, value) || hash === xattrEntryHash(name, value, 'unsigned');
}

/** Marks bytes as used; false when some were. */
function take(used: Uint8Array, at: number, length: number): boolean {
  const part = used.subarray(at, at + length);
  if (part.includes(1)) return false;
  part.fill(1);
  return true;
}
