/** Where the superblock starts in the image, and how long it is. A copy in another group starts its block. */
export const superblockPlace = { at: 1024, length: 1024 } as const;

/** `s_magic`. */
export const superblockMagic = 0xef53;

/** Offsets of the superblock's fields (little-endian; 32 bits unless the comment says otherwise). */
export const superblock = {
  inodesCount: 0x00,
  blocksCountLow: 0x04,
  reservedBlocksLow: 0x08,
  freeBlocksLow: 0x0c,
  freeInodes: 0x10,
  firstDataBlock: 0x14,
  /** Block size is 1024 << this. */
  logBlockSize: 0x18,
  logClusterSize: 0x1c,
  blocksPerGroup: 0x20,
  clustersPerGroup: 0x24,
  inodesPerGroup: 0x28,
  mountTime: 0x2c,
  writeTime: 0x30,
  /** 16 bits. */
  mountCount: 0x34,
  /** 16 bits. */
  maxMountCount: 0x36,
  /** 16 bits. */
  magic: 0x38,
  /** 16 bits; 1 is clean. */
  state: 0x3a,
  /** 16 bits; 1 is continue. */
  errors: 0x3c,
  /** 16 bits. */
  minorRevision: 0x3e,
  lastCheck: 0x40,
  checkInterval: 0x44,
  creatorOs: 0x48,
  revision: 0x4c,
  firstInode: 0x54,
  /** 16 bits. */
  inodeSize: 0x58,
  /** 16 bits: the group that this copy stands in. */
  blockGroup: 0x5a,
  featureCompat: 0x5c,
  featureIncompat: 0x60,
  featureRoCompat: 0x64,
  /** 16 bytes. */
  uuid: 0x68,
  /** 16 bytes. */
  volumeName: 0x78,
  /** 16 bits. */
  reservedGdtBlocks: 0xce,
  /** 16 bytes. */
  journalUuid: 0xd0,
  journalInode: 0xe0,
  journalDevice: 0xe4,
  lastOrphan: 0xe8,
  /** Four numbers. */
  hashSeed: 0xec,
  /** 8 bits. */
  defaultHashVersion: 0xfc,
  /** 8 bits. */
  journalBackupType: 0xfd,
  /** 16 bits; 0 without 64bit. */
  descriptorSize: 0xfe,
  defaultMountOptions: 0x100,
  mkfsTime: 0x108,
  /** 17 numbers: the 15 of the journal's inode, size high, size low. */
  journalBlocks: 0x10c,
  blocksCountHigh: 0x150,
  reservedBlocksHigh: 0x154,
  freeBlocksHigh: 0x158,
  /** 16 bits. */
  minExtraIsize: 0x15c,
  /** 16 bits. */
  wantExtraIsize: 0x15e,
  /** 1: the directory hash takes characters as signed, 2: as unsigned. */
  flags: 0x160,
  /** 8 bits. */
  logGroupsPerFlex: 0x174,
  /** 8 bits; 1 is crc32c. */
  checksumType: 0x175,
  checksumSeed: 0x270,
  checksum: 0x3fc,
} as const;
