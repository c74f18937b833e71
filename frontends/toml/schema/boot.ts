import { z } from 'zod';
import { architecture, duration, filled, reference, sha256, size, text } from './values.ts';

const expectation = z.strictObject({ path: filled, sha256: sha256.exactOptional(), text: text.exactOptional() });

/** `boot = { … }`. */
export const boot = z.strictObject({
  kernel: reference,
  initrd: reference.exactOptional(),
  rootfs: reference.exactOptional(),
  architecture: architecture.exactOptional(),
  memory: size.exactOptional(),
  append: text.exactOptional(),
  timeout: duration.exactOptional(),
  expect: z.array(expectation).exactOptional(),
});
