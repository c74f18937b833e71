/** Offsets in an inode of 256 bytes (32 bits unless the comment says otherwise). */
export const inode = {
  /** 16 bits: type and permissions. */
  mode: 0x00,
  /** 16 bits. */
  uidLow: 0x02,
  sizeLow: 0x04,
  atime: 0x08,
  ctime: 0x0c,
  mtime: 0x10,
  dtime: 0x14,
  /** 16 bits. */
  gidLow: 0x18,
  /** 16 bits. */
  links: 0x1a,
  /** In units of 512 bytes, unless huge_file and `inodeFlags.hugeFile` make it file system blocks. */
  blocksLow: 0x1c,
  flags: 0x20,
  /** 60 bytes: extent tree root, fast symlink or device number. */
  block: 0x28,
  generation: 0x64,
  fileAclLow: 0x68,
  sizeHigh: 0x6c,
  /** 16 bits, as are the next four. */
  blocksHigh: 0x74,
  fileAclHigh: 0x76,
  uidHigh: 0x78,
  gidHigh: 0x7a,
  checksumLow: 0x7c,
  /** 16 bits: how much is used of what follows the first 128 bytes. */
  extraIsize: 0x80,
  /** 16 bits. */
  checksumHigh: 0x82,
  ctimeExtra: 0x84,
  mtimeExtra: 0x88,
  atimeExtra: 0x8c,
  crtime: 0x90,
  crtimeExtra: 0x94,
} as const;

/** Bytes of `i_block`. */
export const inodeBlockLength = 60;

/** The type bits of `i_mode`. */
export const modeTypes = {
  fifo: 0x1000,
  char: 0x2000,
  dir: 0x4000,
  block: 0x6000,
  file: 0x8000,
  symlink: 0xa000,
  socket: 0xc000,
} as const;

/** Bits of `i_flags`. */
export const inodeFlags = {
  compressed: 0x4,
  encrypted: 0x800,
  index: 0x1000,
  hugeFile: 0x4_0000,
  extents: 0x8_0000,
  verity: 0x10_0000,
  eaInode: 0x20_0000,
  inlineData: 0x1000_0000,
  casefold: 0x4000_0000,
} as const;

/** Inodes with a fixed number; the first of the others is lost+found by custom. */
export const inodeNumbers = { root: 2, resize: 7, journal: 8, first: 11 } as const;

/** The most links that an inode counts. A directory with more has 1 (dir_nlink). */
export const maximumLinks = 65_000;
