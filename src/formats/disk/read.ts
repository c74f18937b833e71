import { crc32 } from 'node:zlib';
import { PortkitError } from '../../base/errors.ts';
import type { ImageReader } from '../file-tree.ts';
import { showUuid } from '../uuid.ts';
import type { Partition, Table } from './table.ts';
import {
  entry,
  entrySize,
  header,
  headerCrc,
  headerSize,
  nameLength,
  revision,
  sectorSize,
  signature,
  swapGuid,
} from './table.ts';

/** Entries that a table may have; no more are read. */
const maxEntries = 1024;

/** The partition table of a disk image. Both tables have to be whole and to say the same; anything else is refused (PK3752). */
export function readDisk(image: ImageReader): Table {
  const sectors = image.size / sectorSize;
  if (!Number.isSafeInteger(sectors) || sectors < 6) throw malformed(`an image of ${image.size} bytes is no disk`);
  checkMbr(bufferAt(image, 0, sectorSize));
  const front = readHeader(image, 1, sectors - 1);
  const back = readHeader(image, sectors - 1, 1);
  if (front.entries < 2) throw malformed('its entries are where its header is');
  const frontEnd = front.entries + front.entrySectors;
  if (frontEnd > front.firstUsable) throw malformed('its entries reach into the partitions');
  if (back.entries <= back.lastUsable || back.entries + back.entrySectors > sectors - 1)
    throw malformed('its second entries are out of place');
  if (!front.same.equals(back.same)) throw malformed('its two headers do not say the same');
  const entries = readEntries(image, front);
  if (!entries.equals(readEntries(image, back))) throw malformed('its two lists of entries are not the same');
  const partitions = decodeEntries(entries, front);
  checkOverlaps(partitions);
  return { uuid: front.uuid, sectors, partitions };
}

interface Header {
  readonly uuid: string;
  readonly firstUsable: number;
  readonly lastUsable: number;
  readonly entries: number;
  readonly count: number;
  readonly entrySectors: number;
  readonly crc: number;
  /** The fields that both headers have alike. */
  readonly same: Buffer;
}

function checkMbr(bytes: Buffer): void {
  if (bytes.readUInt16BE(510) !== 0x55aa) throw malformed('the image has no MBR');
  if (bytes[450] !== 0xee || bytes.readUInt32LE(454) !== 1) throw malformed('the MBR does not protect it');
}

function readHeader(image: ImageReader, self: number, other: number): Header {
  const bytes = bufferAt(image, self * sectorSize, sectorSize);
  const which = `the header in sector ${self}`;
  if (bytes.toString('latin1', 0, 8) !== signature) throw malformed(`${which} is none`);
  if (bytes.readUInt32LE(header.revision) !== revision || bytes.readUInt32LE(header.size) !== headerSize)
    throw malformed(`${which} has an unknown form`);
  if (bytes.readUInt32LE(header.crc) !== headerCrc(bytes)) throw malformed(`${which} has a wrong checksum`);
  if (numberAt(bytes, header.self) !== self || numberAt(bytes, header.other) !== other)
    throw malformed(`${which} is out of place`);
  const count = bytes.readUInt32LE(header.entryCount);
  if (bytes.readUInt32LE(header.entrySize) !== entrySize || count === 0 || count > maxEntries)
    throw malformed(`${which} has entries of an unknown form`);
  const [firstUsable, lastUsable] = [numberAt(bytes, header.firstUsable), numberAt(bytes, header.lastUsable)];
  const last = Math.max(self, other);
  if (firstUsable > lastUsable || lastUsable >= last) throw malformed(`${which} leaves no room for partitions`);
  return {
    uuid: guidAt(bytes, header.disk),
    firstUsable,
    lastUsable,
    entries: numberAt(bytes, header.entries),
    count,
    entrySectors: Math.ceil((count * entrySize) / sectorSize),
    crc: bytes.readUInt32LE(header.entriesCrc),
    same: Buffer.concat([bytes.subarray(header.firstUsable, header.entries), bytes.subarray(header.entryCount, headerSize)]),
  };
}

function readEntries(image: ImageReader, { entries, count, crc }: Header): Buffer {
  const bytes = bufferAt(image, entries * sectorSize, count * entrySize);
  if (crc32(bytes) !== crc) throw malformed(`the entries in sector ${entries} have a wrong checksum`);
  return bytes;
}

function decodeEntries(bytes: Buffer, header: Header): readonly Partition[] {
  const partitions: Partition[] = [];
  for (let number = 1; number <= header.count; number++) {
    const at = bytes.subarray((number - 1) * entrySize, number * entrySize);
    if (at.subarray(0, 16).some((byte) => byte !== 0)) partitions.push(decodeEntry(at, number, header));
  }
  return partitions;
}

function decodeEntry(bytes: Buffer, number: number, { firstUsable, lastUsable }: Header): Partition {
  const [first, last] = [numberAt(bytes, entry.first), numberAt(bytes, entry.last)];
  if (first > last || first < firstUsable || last > lastUsable) throw malformed(`partition ${number} is out of place`);
  const bits = bytes.readBigUInt64LE(entry.attributes);
  const [name = ''] = bytes.toString('utf16le', entry.name, entry.name + nameLength * 2).split('\0');
  if (!name.isWellFormed()) throw malformed(`partition ${number} has a name that is no UTF-16`);
  return {
    number,
    type: guidAt(bytes, entry.type),
    uuid: guidAt(bytes, entry.uuid),
    name,
    first,
    last,
    attributes: Array.from({ length: 64 }, (_, bit) => bit).filter((bit) => (bits & (1n << BigInt(bit))) !== 0n),
  };
}

function checkOverlaps(partitions: readonly Partition[]): void {
  const sorted = partitions.toSorted((a, b) => a.first - b.first);
  for (const [at, { number, first }] of sorted.entries()) {
    const before = sorted[at - 1];
    if (before !== undefined && before.last >= first) throw malformed(`partitions ${before.number} and ${number} overlap`);
  }
}

function guidAt(bytes: Buffer, at: number): string {
  return showUuid(swapGuid(Buffer.from(bytes.subarray(at, at + 16))));
}

/** A number that an image can have; larger ones become one that is past every image. */
function numberAt(bytes: Buffer, at: number): number {
  const value = bytes.readBigUInt64LE(at);
  return value > BigInt(Number.MAX_SAFE_INTEGER) ? Number.MAX_SAFE_INTEGER : Number(value);
}

function bufferAt(image: ImageReader, position: number, length: number): Buffer {
  const bytes = image.read(position, length);
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
}

function malformed(why: string): PortkitError {
  return new PortkitError('PK3752', `The partition table is refused: ${why}`);
}
