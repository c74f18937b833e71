import { createHash } from 'node:crypto';
import { PortkitError } from '../../base/errors.ts';
import { asUuid, showUuid, uuidForm } from '../uuid.ts';
import { backSectors } from './encode.ts';
import type { Partition, Table } from './table.ts';
import { entryCount, nameLength, sectorSize } from './table.ts';
import { partitionAttributes, partitionTypes } from './types.ts';

/** One partition as it is asked for. */
export interface PartitionOptions {
  /** Bytes of the image in it. */
  readonly contentSize: number;
  /** What names the image, such as its digest: GUIDs are derived from it. */
  readonly identity: string;
  /** A name of `partitionTypes` or a GUID. */
  readonly type: string;
  readonly name?: string;
  readonly uuid?: string;
  /** Names of `partitionAttributes`. */
  readonly attributes?: readonly string[];
  /** Bytes of the partition, a multiple of 4096; the whole MiB that its image needs unless given. */
  readonly size?: number;
}

/** A disk as it is asked for. */
export interface DiskOptions {
  readonly partitions: readonly PartitionOptions[];
  readonly uuid?: string;
  /** Bytes of the whole disk, where it is larger than needed. */
  readonly size?: number;
}

const mebibyte = 2 ** 20;

/**
 * The table of a disk: partitions in the order given, each from a whole MiB on, the disk ending with a MiB of its own for the
 * second table. GUIDs that are not given are derived from all that is. Throws PK3751.
 */
export function planDisk(options: DiskOptions): Table {
  const { partitions, uuid, size } = options;
  if (partitions.length === 0 || partitions.length > entryCount)
    throw cannot(`it has ${partitions.length} partitions`, `From 1 to ${entryCount} partitions`);
  checkUuid(uuid);
  let end = mebibyte;
  const derive = deriver(options);
  const placed = partitions.map((partition, at): Partition => {
    const first = end / sectorSize;
    const bytes = sizeOf(partition, at + 1);
    end += Math.ceil(bytes / mebibyte) * mebibyte;
    return {
      ...described(partition, at + 1),
      uuid: partition.uuid?.toLowerCase() ?? derive(at + 1),
      first,
      last: first + bytes / sectorSize - 1,
    };
  });
  checkUnique(placed);
  return { uuid: uuid?.toLowerCase() ?? derive(0), sectors: diskSize(end, size) / sectorSize, partitions: placed };
}

function diskSize(end: number, size: number | undefined): number {
  const least = end + backSectors * sectorSize;
  if (size === undefined) return checkEnd(end + mebibyte);
  if (!Number.isSafeInteger(size) || size % sectorSize !== 0) throw cannot(`its size ${size} is no multiple of ${sectorSize}`);
  if (size < least) throw cannot(`its size ${size} is too small`, `At least ${least} bytes`);
  return checkEnd(size);
}

/** Larger disks have tables of which numbers are not exact. */
function checkEnd(size: number): number {
  if (!Number.isSafeInteger(size)) throw cannot('it is larger than any disk');
  return size;
}

/** Whole MiB unless told; at least whole blocks of 4096 bytes, so that file systems and hash trees in it end on one. */
function sizeOf({ contentSize, size }: PartitionOptions, number: number): number {
  const least = Math.max(Math.ceil(contentSize / 4096) * 4096, 4096);
  if (size === undefined) return Math.ceil(least / mebibyte) * mebibyte;
  if (!Number.isSafeInteger(size) || size % 4096 !== 0)
    throw cannot(`the size ${size} of partition ${number} is no multiple of 4096`);
  if (size < least) throw cannot(`partition ${number} of ${size} bytes is too small`, `Its image needs ${least} bytes`);
  return size;
}

function described(
  { type, name = '', uuid, attributes = [] }: PartitionOptions,
  number: number,
): Omit<Partition, 'uuid' | 'first' | 'last'> {
  checkUuid(uuid);
  const guid = Object.hasOwn(partitionTypes, type) ? partitionTypes[type] : uuidForm.test(type) ? type.toLowerCase() : undefined;
  if (guid === undefined || isNil(guid)) {
    const known = Object.keys(partitionTypes).join(', ');
    throw cannot(`partition ${number} has the unknown type ${JSON.stringify(type.slice(0, 80))}`, `A GUID, or one of ${known}`);
  }
  if (name.length > nameLength || name.includes('\0') || !name.isWellFormed())
    throw cannot(`partition ${number} has a name that does not fit`, `At most ${nameLength} code units of UTF-16, without NUL`);
  return {
    number,
    type: guid,
    name,
    attributes: [...new Set(attributes.map((word) => bitOf(word, number)))].toSorted((a, b) => a - b),
  };
}

function bitOf(word: string, number: number): number {
  const bit = Object.hasOwn(partitionAttributes, word) ? partitionAttributes[word] : undefined;
  if (bit !== undefined) return bit;
  const known = Object.keys(partitionAttributes).join(', ');
  throw cannot(`partition ${number} has the unknown attribute ${JSON.stringify(word.slice(0, 80))}`, `One of ${known}`);
}

function checkUuid(uuid: string | undefined): void {
  if (uuid !== undefined && (!uuidForm.test(uuid) || isNil(uuid)))
    throw cannot(`${JSON.stringify(uuid.slice(0, 80))} is no UUID`, 'Like 01234567-89ab-cdef-0123-456789abcdef');
}

/** The GUID of nothing, which marks entries that are not used. */
function isNil(uuid: string): boolean {
  return /^[0-]+$/.test(uuid);
}

function checkUnique(partitions: readonly Partition[]): void {
  const twice = partitions.find(({ uuid }, at) => partitions.findIndex((other) => other.uuid === uuid) !== at);
  if (twice !== undefined) throw cannot(`two partitions have the UUID ${twice.uuid}`);
}

/** GUIDs by number: 0 is the disk's, the others are those of the partitions. */
function deriver({ partitions, size = 0 }: DiskOptions): (number: number) => string {
  const facts = partitions.map(({ contentSize, identity, type, name = '', attributes = [], size: own = 0 }) => [
    contentSize,
    identity,
    type,
    name,
    attributes,
    own,
  ]);
  const all = JSON.stringify(['portkit disk 1', size, facts]);
  return (number) => showUuid(asUuid(createHash('sha256').update(`${number} ${all}`).digest().subarray(0, 16)));
}

function cannot(why: string, hint?: string): PortkitError {
  return new PortkitError('PK3751', `The disk cannot be laid out: ${why}`, hint === undefined ? {} : { hint });
}
