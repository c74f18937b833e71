import { z } from 'zod';
import { filled, reference, size, text } from './values.ts';

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

/** `verity = { … }`. */
export const verity = z.strictObject({
  from: reference,
  output: z.enum(['tree', 'image', 'root-hash']).exactOptional(),
  salt: text.exactOptional(),
  uuid: filled.exactOptional(),
});
