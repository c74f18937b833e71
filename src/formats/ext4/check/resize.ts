import { modeTypes } from '../disk/inode.ts';
import type { FileSystem } from '../read/file-system.ts';
import { isDataBlock, readBlock } from '../read/file-system.ts';
import type { Inode } from '../read/inode.ts';
import { typeOf } from '../read/inode.ts';
import { piecesOf } from '../read/map.ts';
import type { Checking } from './checking.ts';
import { claimBlocks } from './checking.ts';
import { firstBlockOf, holdsSuperblock } from './layout.ts';

const doubleAt = 13 * 4;

/** The inode that owns the room for more group descriptors: through one block, it names all of that room in every group. */
export function checkResize(checking: Checking, inode: Inode): void {
  const { fs, report } = checking;
  const place = { kind: 'inode', inode: inode.number } as const;
  const double = numberAt(inode.map, doubleAt);
  if (!fs.superblock.features.has('resize_inode')) {
    if (inode.map.some((byte) => byte !== 0)) report(place, 'it has blocks, but the file system no resize_inode');
    return;
  }
  const direct = inode.map.subarray(0, doubleAt).some((byte) => byte !== 0) || numberAt(inode.map, doubleAt + 4) !== 0;
  if (direct || inode.links === 0 || typeOf(inode) !== modeTypes.file || !isDataBlock(fs, double) || !namesAll(fs, double))
    report(place, 'the resize inode is malformed');
  let blocks = 0;
  for (const piece of piecesOf(fs, inode, report)) {
    const count = piece.kind === 'map' ? 1 : piece.count;
    for (let block = piece.block; block < piece.block + count; block++) {
      if (isReserved(fs, block)) continue;
      claimBlocks(checking, place, { block, count: 1 });
      if (block !== double) report(place, `its block ${String(block)} is none of the room for descriptors`);
    }
    blocks += count;
  }
  const sectors = (blocks * fs.geometry.blockSize) / 512;
  if (inode.sectors !== sectors) report(place, `it counts ${String(inode.sectors)} blocks, has ${String(sectors)}`);
}

/** Is a block among the room for descriptors of a group? */
function isReserved(fs: FileSystem, block: number): boolean {
  const { superblock, geometry } = fs;
  const group = Math.floor((block - superblock.firstDataBlock) / superblock.blocksPerGroup);
  const behind = block - firstBlockOf(fs, group) - 1 - geometry.descriptorBlocks;
  return holdsSuperblock(fs, group) && behind >= 0 && behind < superblock.reservedDescriptorBlocks;
}

function namesAll(fs: FileSystem, double: number): boolean {
  const { descriptorBlocks, blockSize } = fs.geometry;
  const first = fs.superblock.firstDataBlock + 1 + descriptorBlocks;
  const table = readBlock(fs, double);
  const backups = fs.groups.filter(({ number }) => number > 0 && holdsSuperblock(fs, number));
  for (let index = 0; index < fs.superblock.reservedDescriptorBlocks; index++) {
    const own = numberAt(table, ((descriptorBlocks + index) % (blockSize / 4)) * 4);
    if (own !== first + index) return false;
    const row = readBlock(fs, own);
    const right = backups.every(
      ({ number }, at) => numberAt(row, at * 4) === own + firstBlockOf(fs, number) - fs.superblock.firstDataBlock,
    );
    if (!right) return false;
  }
  return true;
}

function numberAt(bytes: Uint8Array, at: number): number {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength).getUint32(at, true);
}
