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

/** Flags of a group: its inodes, or its blocks, were never used, and its bitmap was never written. */
export const groupFlags = { inodesUnused: 1, blocksUnused: 2 } as const;

/** Reads one descriptor of 32, 64 or more bytes. */
export function parseGroup(number: number, bytes: Uint8Array): Group {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const wide = bytes.length >= 64;
  const u16 = (at: number): number => view.getUint16(at, true);
  const both16 = (low: number, high: number): number => u16(low) + (wide ? u16(high) * 2 ** 16 : 0);
  const both32 = (low: number, high: number): number =>
    view.getUint32(low, true) + (wide ? view.getUint32(high, true) * 2 ** 32 : 0);
  return {
    number,
    bytes,
    blockBitmap: both32(0, 32),
    inodeBitmap: both32(4, 36),
    inodeTable: both32(8, 40),
    freeBlocks: both16(12, 44),
    freeInodes: both16(14, 46),
    directories: both16(16, 48),
    flags: u16(18),
    unusedInodes: both16(28, 50),
    blockBitmapChecksum: both16(24, 56),
    inodeBitmapChecksum: both16(26, 58),
    checksum: u16(30),
  };
}
