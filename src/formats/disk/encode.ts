import { crc32 } from 'node:zlib';
import { parseUuid } from '../uuid.ts';
import type { Partition, Table } from './table.ts';
import {
  entry,
  entryCount,
  entrySectors,
  entrySize,
  header,
  headerCrc,
  headerSize,
  revision,
  sectorSize,
  signature,
  swapGuid,
} from './table.ts';

/** Sectors of the MBR, the first header and entries. */
const frontSectors = 2 + entrySectors;
/** Sectors of the second entries and header. */
export const backSectors = 1 + entrySectors;

/** The protective MBR, the header and the entries that a disk begins with. */
export function encodeFront(table: Table): Buffer {
  const entries = encodeEntries(table);
  const places = { self: 1, other: table.sectors - 1, entries: 2 };
  return Buffer.concat([protectiveMbr(table), encodeHeader(table, entries, places), entries]);
}

/** The entries and the header that a disk ends with. */
export function encodeBack(table: Table): Buffer {
  const entries = encodeEntries(table);
  const self = table.sectors - 1;
  return Buffer.concat([entries, encodeHeader(table, entries, { self, other: 1, entries: self - entrySectors })]);
}

/** One partition of type 0xee over the whole disk, so that programs that know no GPT see it full (UEFI 2.10 §5.2.3). */
function protectiveMbr({ sectors }: Table): Buffer {
  const bytes = Buffer.alloc(sectorSize);
  bytes.set([0, 0x00, 0x02, 0x00, 0xee, 0xff, 0xff, 0xff], 446);
  bytes.writeUInt32LE(1, 454);
  bytes.writeUInt32LE(Math.min(sectors - 1, 0xffff_ffff), 458);
  bytes.writeUInt16BE(0x55aa, 510);
  return bytes;
}

interface Places {
  readonly self: number;
  readonly other: number;
  readonly entries: number;
}

function encodeHeader({ uuid, sectors }: Table, entries: Buffer, places: Places): Buffer {
  const bytes = Buffer.alloc(sectorSize);
  bytes.write(signature, header.signature, 'latin1');
  bytes.writeUInt32LE(revision, header.revision);
  bytes.writeUInt32LE(headerSize, header.size);
  bytes.writeBigUInt64LE(BigInt(places.self), header.self);
  bytes.writeBigUInt64LE(BigInt(places.other), header.other);
  bytes.writeBigUInt64LE(BigInt(frontSectors), header.firstUsable);
  bytes.writeBigUInt64LE(BigInt(sectors - backSectors - 1), header.lastUsable);
  bytes.set(guid(uuid), header.disk);
  bytes.writeBigUInt64LE(BigInt(places.entries), header.entries);
  bytes.writeUInt32LE(entryCount, header.entryCount);
  bytes.writeUInt32LE(entrySize, header.entrySize);
  bytes.writeUInt32LE(crc32(entries), header.entriesCrc);
  bytes.writeUInt32LE(headerCrc(bytes), header.crc);
  return bytes;
}

function encodeEntries({ partitions }: Table): Buffer {
  const bytes = Buffer.alloc(entryCount * entrySize);
  for (const partition of partitions) encodeEntry(partition, bytes.subarray((partition.number - 1) * entrySize));
  return bytes;
}

function encodeEntry({ type, uuid, first, last, attributes, name }: Partition, bytes: Buffer): void {
  bytes.set(guid(type), entry.type);
  bytes.set(guid(uuid), entry.uuid);
  bytes.writeBigUInt64LE(BigInt(first), entry.first);
  bytes.writeBigUInt64LE(BigInt(last), entry.last);
  bytes.writeBigUInt64LE(
    attributes.reduce((bits, bit) => bits | (1n << BigInt(bit)), 0n),
    entry.attributes,
  );
  bytes.write(name, entry.name, 'utf16le');
}

function guid(uuid: string): Buffer {
  return swapGuid(parseUuid(uuid));
}
