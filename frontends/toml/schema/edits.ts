import { z } from 'zod';
import { filled, mode, natural, reference, text } from './values.ts';

const attributes = {
  mode: mode.exactOptional(),
  uid: natural.exactOptional(),
  gid: natural.exactOptional(),
  mtime: z.int().exactOptional(),
};

/** One change of a tree: its kind is its first key. */
export const edit = z.union([
  z.strictObject({
    copy: reference,
    path: filled.exactOptional(),
    include: z.array(filled).exactOptional(),
    exclude: z.array(filled).exactOptional(),
    strip: natural.exactOptional(),
    to: filled,
    ...attributes,
  }),
  z.strictObject({ write: filled, text: text.exactOptional(), base64: text.exactOptional(), ...attributes }),
  z.strictObject({ mkdir: filled, ...attributes }),
  z.strictObject({ symlink: filled, target: filled, ...attributes }),
  z.strictObject({ hardlink: filled, target: filled }),
  z.strictObject({
    device: filled,
    kind: z.enum(['char', 'block', 'fifo']),
    major: natural.exactOptional(),
    minor: natural.exactOptional(),
    ...attributes,
  }),
  z.strictObject({ remove: filled }),
  z.strictObject({ chmod: filled, mode, recursive: z.boolean().exactOptional() }),
  z.strictObject({ chown: filled, uid: natural, gid: natural, recursive: z.boolean().exactOptional() }),
  z.strictObject({ xattr: filled, name: filled, text: text.exactOptional(), base64: text.exactOptional() }),
  z.strictObject({ elf_libs: filled, from: reference, to: filled.exactOptional() }),
  z.strictObject({
    kernel_modules: filled,
    from: reference,
    names: z.array(filled).min(1),
    release: filled.exactOptional(),
    release_file: filled.exactOptional(),
  }),
]);
