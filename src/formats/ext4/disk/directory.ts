/** Offsets in a directory entry: inode 32 bits, length 16, the others 8. */
export const directoryEntry = { inode: 0, length: 4, nameLength: 6, type: 7, name: 8 } as const;

/** The type byte of an entry. */
export const entryTypes = { file: 1, dir: 2, char: 3, block: 4, fifo: 5, socket: 6, symlink: 7 } as const;

/** With metadata_csum every block ends in a false entry: inode 0, length 12, name length 0, this type, then the checksum. */
export const directoryTail = { length: 12, type: 0xde, checksum: 8 } as const;

/** What an entry with a name of this many bytes takes at least. */
export function entryLength(nameLength: number): number {
  return (directoryEntry.name + nameLength + 3) & ~3;
}
