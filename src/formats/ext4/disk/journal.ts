/** `h_magic` of every block of the journal that is not data. All of it is big-endian. */
export const journalMagic = 0xc03b_3998;

/** Offsets in the journal's superblock (32 bits). */
export const journalSuperblock = {
  magic: 0x00,
  /** 4: superblock, version 2. */
  blockType: 0x04,
  blockSize: 0x0c,
  length: 0x10,
  first: 0x14,
  sequence: 0x18,
  /** 0: nothing to replay. */
  start: 0x1c,
  /** 16 bytes. */
  uuid: 0x30,
  users: 0x40,
} as const;

/** The fewest blocks of a journal. */
export const smallestJournal = 1024;
