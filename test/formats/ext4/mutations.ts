import { inodeFlags, modeTypes } from '../../../src/formats/ext4/disk/inode.ts';
import type { FileSystem } from '../../../src/formats/ext4/read/file-system.ts';
import { openForReading } from '../../../src/formats/ext4/read/file-system.ts';
import { inodeTable, parseInode, typeOf } from '../../../src/formats/ext4/read/inode.ts';
import { piecesOf } from '../../../src/formats/ext4/read/map.ts';
import { refuseDamage } from '../../../src/formats/ext4/read/report.ts';
import { memoryImage } from './images.ts';

/** Bytes of an image that mean the same kind of thing. */
export interface Region {
  readonly kind: string;
  readonly at: number;
  readonly length: number;
  /** The inode it is, or that owns it. */
  readonly inode?: number;
}

/** New bytes for a place of an image. */
export interface Mutation {
  readonly kind: string;
  readonly region: Region;
  readonly at: number;
  readonly bytes: Uint8Array;
}

/** A sequence of numbers below a limit that depends on the seed alone. */
export function randomNumbers(seed: number): (below: number) => number {
  let state = seed >>> 0;
  return (below) => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below;
  };
}

/** Every part of an image that is not content of files, by kind. */
export function regionsOf(bytes: Uint8Array): readonly Region[] {
  const fs = openForReading(memoryImage(bytes));
  const { blockSize } = fs.geometry;
  const block = (kind: string, number: number, count = 1): Region => ({
    kind,
    at: number * blockSize,
    length: count * blockSize,
  });
  const descriptors = (fs.superblock.firstDataBlock + 1) * blockSize;
  const regions: Region[] = [
    // Of the superblock only what means something; the rest is reserved.
    { kind: 'superblock', at: 1024, length: 0x180 },
    { kind: 'descriptor', at: descriptors, length: fs.groups.length * fs.superblock.descriptorSize },
  ];
  for (const group of fs.groups) regions.push(block('block-bitmap', group.blockBitmap), block('inode-bitmap', group.inodeBitmap));
  return [...regions, ...inodeRegions(fs)];
}

function inodeRegions(fs: FileSystem): readonly Region[] {
  const { blockSize } = fs.geometry;
  const table = inodeTable(fs);
  const regions: Region[] = [];
  for (let number = 1; number <= fs.superblock.inodes; number++) {
    const bytes = table(number);
    if (bytes === undefined || bytes.every((byte) => byte === 0)) continue;
    const inode = parseInode(number, bytes);
    const group = fs.groups[Math.floor((number - 1) / fs.superblock.inodesPerGroup)]!;
    const at = group.inodeTable * blockSize + ((number - 1) % fs.superblock.inodesPerGroup) * fs.superblock.inodeSize;
    regions.push({ kind: `inode-${typeOf(inode).toString(16)}`, at, length: bytes.length, inode: number });
    const mapped = typeOf(inode) === modeTypes.file || typeOf(inode) === modeTypes.dir;
    if (mapped) regions.push({ kind: 'inode-map', at: at + 40, length: 60, inode: number });
    if (inode.xattrBlock !== 0) regions.push({ kind: 'xattr', at: inode.xattrBlock * blockSize, length: 64 });
    if (!mapped && (inode.flags & inodeFlags.extents) === 0) continue;
    for (const piece of piecesOf(fs, inode, refuseDamage)) {
      if (piece.kind === 'map')
        regions.push({ kind: 'extents', at: piece.block * blockSize, length: Math.min(blockSize, 512), inode: number });
      else if (typeOf(inode) === modeTypes.dir)
        regions.push({ kind: 'directory', at: piece.block * blockSize, length: Math.min(blockSize, 256), inode: number });
      else if (number === 8 && piece.logical === 0) regions.push({ kind: 'journal', at: piece.block * blockSize, length: 96 });
    }
  }
  return regions;
}

/** A change in a region that is chosen at random; every kind of region is as likely. */
export function mutate(bytes: Uint8Array, regions: readonly Region[], random: (below: number) => number): Mutation {
  const kinds = [...new Set(regions.map(({ kind }) => kind))];
  const kind = kinds[random(kinds.length)]!;
  const same = regions.filter((region) => region.kind === kind);
  const region = same[random(same.length)]!;
  const at = region.at + random(region.length / 2) * 2;
  const old = Buffer.from(bytes.subarray(at, at + 4));
  const changed = Buffer.from(old);
  switch (random(7)) {
    case 0:
      changed[0] = random(256);
      break;
    case 1:
      changed[random(4)]! ^= 1 << random(8);
      break;
    case 2:
      changed.writeUInt16LE((old.readUInt16LE(0) + 1 + random(3)) % 65_536);
      break;
    case 3:
      changed.fill(0);
      break;
    case 4:
      changed.fill(0xff);
      break;
    case 5:
      changed.writeUInt16LE(random(65_536));
      break;
    default: {
      const other = same[random(same.length)]!;
      changed.set(bytes.subarray(other.at + (at - region.at), other.at + (at - region.at) + 4));
    }
  }
  return { kind, region, at, bytes: changed };
}
