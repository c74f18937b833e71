import { byteReader } from '../formats/byte-reader.ts';
import { compressionOf } from '../formats/compression/decompress.ts';
import type { ImageReader } from '../formats/file-tree.ts';

/** What an image is by the marks in its first page; what else it may be is `unknown`, and zeros are `empty`. */
export type Sign =
  | 'gpt'
  | 'ext4'
  | 'squashfs'
  | 'erofs'
  | 'vfat'
  | 'verity'
  | 'swap'
  | 'cpio'
  | 'tar'
  | 'gzip'
  | 'zstd'
  | 'xz'
  | 'lz4'
  | 'empty'
  | 'unknown';

/** What people are told that it is. */
export const signNames: Readonly<Record<Sign, string>> = {
  gpt: 'a disk with partitions',
  ext4: 'an ext4 image',
  squashfs: 'a squashfs image',
  erofs: 'an erofs image',
  vfat: 'a vfat image',
  verity: 'a dm-verity hash tree',
  swap: 'swap space',
  cpio: 'a cpio',
  tar: 'a tar',
  gzip: 'something compressed with gzip',
  zstd: 'something compressed with zstd',
  xz: 'something compressed with xz',
  lz4: 'something compressed with lz4',
  empty: 'nothing but zeros at its beginning',
  unknown: 'something unknown',
};

/** As far as the last of the marks. */
const signSize = 4096;

/** Each with the text that it has at a place. Archives first: what they hold may look like the mark of an image. */
const marks: readonly (readonly [Sign, at: number, text: string])[] = [
  ['cpio', 0, '070701'],
  ['cpio', 0, '070702'],
  ['tar', 257, 'ustar'],
  ['squashfs', 0, 'hsqs'],
  ['verity', 0, 'verity\0\0'],
  ['gpt', 512, 'EFI PART'],
  ['vfat', 54, 'FAT12   '],
  ['vfat', 54, 'FAT16   '],
  ['vfat', 82, 'FAT32   '],
  ['erofs', 1024, '\xe2\xe1\xf5\xe0'],
  ['ext4', 1080, '\x53\xef'],
  ['swap', 4086, 'SWAPSPACE2'],
];

/** What begins with these bytes. */
export function signOf(head: Buffer): Sign {
  const found = marks.find(([, at, text]) => head.toString('latin1', at, at + text.length) === text)?.[0];
  if (found !== undefined) return found;
  return compressionOf(head.subarray(0, 6)) ?? (head.every((byte) => byte === 0) ? 'empty' : 'unknown');
}

/** What an image begins with. */
export function headOfImage(image: ImageReader): Buffer {
  return Buffer.from(image.read(0, Math.min(image.size, signSize)));
}

/** What a stream begins with; the rest of it is not read. */
export async function headOfStream(content: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const reader = byteReader(content);
  try {
    return await reader.take(signSize);
  } finally {
    await reader.close();
  }
}
