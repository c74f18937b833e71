/** Bits of `s_feature_compat`: who does not know them may still write. */
export const compat = { hasJournal: 0x4, extAttr: 0x8, resizeInode: 0x10, dirIndex: 0x20, sparseSuper2: 0x200 } as const;

/** Bits of `s_feature_incompat`: who does not know them must not even read. */
export const incompat = {
  compression: 0x1,
  filetype: 0x2,
  recover: 0x4,
  journalDev: 0x8,
  metaBg: 0x10,
  extents: 0x40,
  bits64: 0x80,
  mmp: 0x100,
  flexBg: 0x200,
  eaInode: 0x400,
  dirData: 0x1000,
  csumSeed: 0x2000,
  largeDir: 0x4000,
  inlineData: 0x8000,
  encrypt: 0x1_0000,
  casefold: 0x2_0000,
} as const;

/** Bits of `s_feature_ro_compat`: who does not know them may read. */
export const roCompat = {
  sparseSuper: 0x1,
  largeFile: 0x2,
  hugeFile: 0x8,
  gdtCsum: 0x10,
  dirNlink: 0x20,
  extraIsize: 0x40,
  quota: 0x100,
  bigalloc: 0x200,
  metadataCsum: 0x400,
  readonly: 0x1000,
  project: 0x2000,
  verity: 0x8000,
  orphanPresent: 0x1_0000,
} as const;
