/** `h_magic`, before the entries in an inode and in a block. */
export const xattrMagic = 0xea02_0000;

/** Offsets in the header of an attribute block (32 bits). */
export const xattrHeader = { magic: 0, refcount: 4, blocks: 8, hash: 12, checksum: 16 } as const;

/** Bytes before the first entry: of a block, and of the room in an inode. */
export const xattrHeaderLength = { block: 32, inode: 4 } as const;

/** Offsets in an entry: the first two 8 bits, the next 16, the others 32. Values end at the end and are 4-aligned. */
export const xattrEntry = {
  nameLength: 0,
  nameIndex: 1,
  valueOffset: 2,
  valueInode: 4,
  valueSize: 8,
  hash: 12,
  name: 16,
} as const;

/** What names start with, by index; the whole name for the two ACLs, which have another form on disk. */
export const xattrPrefixes = {
  1: 'user.',
  2: 'system.posix_acl_access',
  3: 'system.posix_acl_default',
  4: 'trusted.',
  6: 'security.',
} as const;

/** What `e_hash` holds: over the name's bytes (as signed characters; some systems take them as unsigned) and the value's words. */
export function xattrEntryHash(name: Uint8Array, value: Uint8Array, characters: 'signed' | 'unsigned' = 'signed'): number {
  let hash = 0;
  for (const byte of name) hash = ((hash << 5) ^ (hash >>> 27) ^ (characters === 'signed' ? (byte << 24) >> 24 : byte)) | 0;
  for (let at = 0; at < value.length; at += 4) {
    // Bytes past the end are undefined, which counts as 0 here: values are padded with zeros.
    const word = value[at]! | (value[at + 1]! << 8) | (value[at + 2]! << 16) | (value[at + 3]! << 24);
    hash = ((hash << 16) ^ (hash >>> 16) ^ word) | 0;
  }
  return hash >>> 0;
}

/** What `h_hash` holds, from the entries' hashes in their order; 0 when one of them is 0. */
export function xattrBlockHash(hashes: readonly number[]): number {
  let hash = 0;
  for (const one of hashes) {
    if (one === 0) return 0;
    hash = ((hash << 16) ^ (hash >>> 16) ^ one) | 0;
  }
  return hash >>> 0;
}
