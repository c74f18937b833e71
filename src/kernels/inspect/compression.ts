import { PortkitError } from '../../base/errors.ts';
import { compressionOf } from '../../formats/compression/decompress.ts';
import type { CompressedFormat } from '../../formats/compression/decompress.ts';

/** What Linux kernels are compressed with; lz4 is the legacy format of it. */
export type Compression = CompressedFormat | 'bzip2' | 'lzma' | 'lzo';

const others = [
  ['bzip2', '425a68'],
  ['lzma', '5d0000'],
  ['lzo', '894c5a4f000d0a1a0a'],
] as const;

/** What a kernel that begins like this is compressed with; nine bytes tell. */
export function packingOf(head: Buffer): Compression | undefined {
  const start = head.toString('hex', 0, 9);
  return compressionOf(head.subarray(0, 6)) ?? others.find(([, magic]) => start.startsWith(magic))?.[0];
}

/** The compression as one that can be read; the others are refused by name (PK3703). */
export function readable(compression: Compression): CompressedFormat {
  if (compression !== 'bzip2' && compression !== 'lzma' && compression !== 'lzo') return compression;
  throw new PortkitError('PK3703', `The kernel is compressed with ${compression}, which cannot be read`, {
    hint: 'Kernels with gzip, zstd, xz and lz4 can; build it with one of them, or take its vmlinux',
  });
}
