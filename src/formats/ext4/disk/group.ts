/** Offsets in a group descriptor; those from 0x20 on only with 64bit. */
export const descriptor = {
  blockBitmapLow: 0x00,
  inodeBitmapLow: 0x04,
  inodeTableLow: 0x08,
  /** 16 bits, as are the next five. */
  freeBlocksLow: 0x0c,
  freeInodesLow: 0x0e,
  usedDirsLow: 0x10,
  flags: 0x12,
  blockBitmapChecksumLow: 0x18,
  inodeBitmapChecksumLow: 0x1a,
  itableUnusedLow: 0x1c,
  /** 16 bits: the low half of the crc32c with metadata_csum, a crc16 with gdt_csum, else 0. */
  checksum: 0x1e,
  blockBitmapHigh: 0x20,
  inodeBitmapHigh: 0x24,
  inodeTableHigh: 0x28,
  /** 16 bits, as are all the next. */
  freeBlocksHigh: 0x2c,
  freeInodesHigh: 0x2e,
  usedDirsHigh: 0x30,
  itableUnusedHigh: 0x32,
  blockBitmapChecksumHigh: 0x38,
  inodeBitmapChecksumHigh: 0x3a,
} as const;

/** Bits of a group's flags; the uninit ones only with a checksum feature. */
export const groupFlags = { inodeUninit: 0x1, blockUninit: 0x2, inodeZeroed: 0x4 } as const;

/** Whether this group holds a copy of the superblock and the descriptors (sparse_super): 0, 1 and powers of 3, 5 and 7. */
export function hasBackup(group: number): boolean {
  if (group <= 1) return true;
  return [3, 5, 7].some((base) => {
    let power = base;
    while (power < group) power *= base;
    return power === group;
  });
}
