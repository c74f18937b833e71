import { descriptor as at } from '../disk/group.ts';

/** One block group as its descriptor has it. */
export interface Group {
  readonly number: number;
  /** The descriptor itself. */
  readonly bytes: Uint8Array;
  readonly blockBitmap: number;
  readonly inodeBitmap: number;
  readonly inodeTable: number;
  readonly freeBlocks: number;
  readonly freeInodes: number;
  readonly directories: number;
  readonly flags: number;
  readonly unusedInodes: number;
  readonly blockBitmapChecksum: number;
  readonly inodeBitmapChecksum: number;
  readonly checksum: number;
}

/** Reads one descriptor of 32, 64 or more bytes. */
export function parseGroup(number: number, bytes: Uint8Array): Group {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const wide = bytes.length >= 64;
  const u16 = (offset: number): number => view.getUint16(offset, true);
  const both16 = (low: number, high: number): number => u16(low) + (wide ? u16(high) * 2 ** 16 : 0);
  const both32 = (low: number, high: number): number =>
    view.getUint32(low, true) + (wide ? view.getUint32(high, true) * 2 ** 32 : 0);
  return {
    number,
    bytes,
    blockBitmap: both32(at.blockBitmapLow, at.blockBitmapHigh),
    inodeBitmap: both32(at.inodeBitmapLow, at.inodeBitmapHigh),
    inodeTable: both32(at.inodeTableLow, at.inodeTableHigh),
    freeBlocks: both16(at.freeBlocksLow, at.freeBlocksHigh),
    freeInodes: both16(at.freeInodesLow, at.freeInodesHigh),
    directories: both16(at.usedDirsLow, at.usedDirsHigh),
    flags: u16(at.flags),
    unusedInodes: both16(at.itableUnusedLow, at.itableUnusedHigh),
    blockBitmapChecksum: both16(at.blockBitmapChecksumLow, at.blockBitmapChecksumHigh),
    inodeBitmapChecksum: both16(at.inodeBitmapChecksumLow, at.inodeBitmapChecksumHigh),
    checksum: u16(at.checksum),
  };
}
