import { PortkitError } from '../base/errors.ts';
import { readDisk } from '../formats/disk/read.ts';
import { sectorSize } from '../formats/disk/table.ts';
import type { FileRange } from '../ops/scratch-file.ts';
import { imageReaderOn } from './reader.ts';

/** Where a partition of a disk image is, by its number; PK3959 when there is none, PK3752 when there is no sound table. */
export function partitionOf(fd: number, wanted: number): FileRange {
  const { partitions } = readDisk(imageReaderOn(fd));
  const found = partitions.find(({ number }) => number === wanted);
  if (found !== undefined) return { at: found.first * sectorSize, size: (found.last - found.first + 1) * sectorSize };
  throw new PortkitError('PK3959', `The disk has no partition ${wanted}`, {
    hint: partitions.length === 0 ? 'It has none' : `It has ${partitions.map(({ number }) => number).join(', ')}`,
  });
}
