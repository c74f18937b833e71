import { crc32 } from 'node:zlib';

/** All places of a partition table are numbers of these. */
export const sectorSize = 512;
/** Entries of every table written; UEFI wants room for at least that many. */
export const entryCount = 128;
/** Bytes of one entry. */
export const entrySize = 128;
/** Bytes of the fields of a header. */
export const headerSize = 92;
/** Sectors of all entries of a table written. */
export const entrySectors = (entryCount * entrySize) / sectorSize;
/** Code units of UTF-16 that a partition's name has room for. */
export const nameLength = 36;
/** What a header begins with. */
export const signature = 'EFI PART';
/** Revision 1.0, the only one there is. */
export const revision = 0x0001_0000;

/** Where the fields of a header are (UEFI 2.10 §5.3.2). */
export const header = {
  signature: 0,
  revision: 8,
  size: 12,
  crc: 16,
  self: 24,
  other: 32,
  firstUsable: 40,
  lastUsable: 48,
  disk: 56,
  entries: 72,
  entryCount: 80,
  entrySize: 84,
  entriesCrc: 88,
} as const;

/** Where the fields of an entry are (UEFI 2.10 §5.3.3). */
export const entry = { type: 0, uuid: 16, first: 32, last: 40, attributes: 48, name: 56 } as const;

/** A partition of a table; places are sectors, `last` is the last one of it. */
export interface Partition {
  /** From 1 on, as the kernel counts. */
  readonly number: number;
  readonly type: string;
  readonly uuid: string;
  readonly name: string;
  readonly first: number;
  readonly last: number;
  /** Bits, by number. */
  readonly attributes: readonly number[];
}

/** What a partition table says. */
export interface Table {
  readonly uuid: string;
  /** Of the whole disk. */
  readonly sectors: number;
  readonly partitions: readonly Partition[];
}

/** Turns the bytes of a UUID into the order of a GUID or back: the first three fields are little-endian there. In place. */
export function swapGuid(bytes: Buffer): Buffer {
  bytes.subarray(0, 4).reverse();
  bytes.subarray(4, 6).reverse();
  bytes.subarray(6, 8).reverse();
  return bytes;
}

/** The checksum of a header, which is taken with zeros in its own place. */
export function headerCrc(bytes: Uint8Array): number {
  const copy = Buffer.from(bytes.subarray(0, headerSize));
  copy.writeUInt32LE(0, header.crc);
  return crc32(copy);
}
