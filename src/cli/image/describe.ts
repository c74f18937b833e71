import { printable } from '../../base/printable.ts';
import { showSize } from '../../base/units.ts';
import { readDisk } from '../../formats/disk/read.ts';
import { sectorSize } from '../../formats/disk/table.ts';
import { partitionAttributes, partitionTypes } from '../../formats/disk/types.ts';
import type { ImageReader } from '../../formats/file-tree.ts';
import { readSuperblock } from '../../formats/verity/superblock.ts';
import { partitionOf } from '../../images/partition.ts';
import { imageReaderOn, openImageFile } from '../../images/reader.ts';
import { headOfImage, signNames, signOf } from '../../images/sign.ts';
import type { Sign } from '../../images/sign.ts';

/** What is said of an image without a tree that is read here: as data, and as lines for people. */
export interface Description {
  readonly format: Sign;
  readonly data: Readonly<Record<string, unknown>>;
  readonly lines: readonly string[];
}

/** Describes a disk with partitions, a hash tree, or an image of a known kind that is not read; undefined for anything else. */
export function describeFile(from: string, partition: number | undefined): Description | undefined {
  using file = openImageFile(from);
  const range = partition === undefined ? undefined : partitionOf(file.fd, partition);
  const image = imageReaderOn(file.fd, range);
  const sign = signOf(headOfImage(image));
  if (sign === 'gpt') return describeDisk(image, (number) => imageReaderOn(file.fd, partitionOf(file.fd, number)));
  if (sign === 'verity') return describeVerity(image);
  if (sign !== 'squashfs' && sign !== 'erofs' && sign !== 'vfat' && sign !== 'swap') return undefined;
  return {
    format: sign,
    data: { size: image.size },
    lines: [`${signNames[sign]}, ${showSize(image.size)}; its files are not read`],
  };
}

function describeDisk(image: ImageReader, open: (partition: number) => ImageReader): Description {
  const { uuid, partitions } = readDisk(image);
  const listed = partitions.map(({ number, type, uuid: own, name, first, last, attributes }) => {
    const size = (last - first + 1) * sectorSize;
    return {
      number,
      offset: first * sectorSize,
      size,
      type: nameOf(partitionTypes, type) ?? type,
      uuid: own,
      name,
      attributes: attributes.map((bit) => nameOf(partitionAttributes, bit) ?? `bit ${bit}`),
      holds: signOf(headOfImage(open(number))),
    };
  });
  const lines = listed.map(({ number, size, type, uuid: own, name, attributes, holds }) => {
    const more = attributes.length === 0 ? '' : ` (${attributes.join(', ')})`;
    return `  ${number}: ${type}${name === '' ? '' : ` ${JSON.stringify(name)}`}, ${showSize(size)}, ${signNames[holds]}${more}, ${own}`;
  });
  const head = `${signNames.gpt}, ${showSize(image.size)}, ${uuid}`;
  return { format: 'gpt', data: { size: image.size, uuid, partitions: listed }, lines: [head, ...lines] };
}

function nameOf<Value>(names: Readonly<Record<string, Value>>, value: Value): string | undefined {
  return Object.keys(names).find((name) => names[name] === value);
}

function describeVerity(image: ImageReader): Description {
  const data = readSuperblock(image);
  const facts = Object.entries(data).map(([name, value]) => `  ${name}: ${printable(String(value))}`);
  return { format: 'verity', data: { ...data }, lines: [`${signNames.verity}, ${showSize(image.size)}`, ...facts] };
}
