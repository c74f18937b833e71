import { z } from 'zod';
import { filled, natural, reference, size, text } from './values.ts';

const partition = z.strictObject({
  from: reference,
  type: filled,
  name: text.exactOptional(),
  uuid: filled.exactOptional(),
  attributes: z.array(filled).exactOptional(),
  size: size.exactOptional(),
});

/** `disk = { … }`. */
export const disk = z.strictObject({
  partitions: z.array(partition).min(1),
  uuid: filled.exactOptional(),
  size: size.exactOptional(),
});

/** `squashfs = { … }`. */
export const squashfs = z.strictObject({
  from: reference,
  compress: z.enum(['gzip', 'zstd', 'xz', 'lz4']).exactOptional(),
  mtime: natural.exactOptional(),
});

/** `erofs = { … }`. */
export const erofs = z.strictObject({
  from: reference,
  compress: z.enum(['none', 'lz4', 'lz4hc']).exactOptional(),
  uuid: filled.exactOptional(),
  mtime: natural.exactOptional(),
});

/** `vfat = { … }`. */
export const vfat = z.strictObject({
  from: reference,
  label: filled.exactOptional(),
  size: size.exactOptional(),
  serial: filled.exactOptional(),
  mtime: natural.exactOptional(),
});

/** `verity = { … }`. */
export const verity = z.strictObject({
  from: reference,
  output: z.enum(['tree', 'image', 'root-hash']).exactOptional(),
  salt: text.exactOptional(),
  uuid: filled.exactOptional(),
});
