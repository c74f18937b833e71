/** `eh_magic`. */
export const extentMagic = 0xf30a;

/** Bytes of a node's header, and of each entry of it. */
export const extentLength = 12;

/** Offsets in a node's header (16 bits; generation 32). */
export const extentHeader = { magic: 0, entries: 2, max: 4, depth: 6, generation: 8 } as const;

/** Offsets in a leaf's entry (32 bits unless the comment says otherwise). */
export const extentLeaf = {
  logical: 0,
  /** 16 bits; above 32,768 the extent is unwritten and this much less long. */
  length: 4,
  /** 16 bits. */
  startHigh: 6,
  startLow: 8,
} as const;

/** Offsets in an index entry (32 bits; high 16). */
export const extentIndex = { logical: 0, childLow: 4, childHigh: 8 } as const;

/** The most blocks of one written extent. */
export const longestExtent = 32_768;

/** How many entries fit in the inode, and in a block of 4096. A block's checksum stands behind its entries. */
export const extentRoom = { inode: 4, block: 340 } as const;
