import { z } from 'zod';
import { filled, sha256, sha512, size, text } from './values.ts';

/** A file by URL. */
export const fetch = z.strictObject({
  url: filled,
  sha256: sha256.exactOptional(),
  sha512: sha512.exactOptional(),
  mirrors: z.array(filled).exactOptional(),
  max_size: size.exactOptional(),
  signature: z
    .strictObject({
      url: filled,
      keys: z.array(filled).min(1),
      fingerprints: z.array(filled).min(1),
      of: z.enum(['file', 'uncompressed']).exactOptional(),
    })
    .exactOptional(),
});

/** A directory or file beside the definition. */
export const local = z.union([
  filled,
  z.strictObject({ path: filled, include: z.array(filled).exactOptional(), exclude: z.array(filled).exactOptional() }),
]);

/** A commit of a git repository. */
export const git = z.strictObject({
  url: filled,
  commit: filled,
  submodules: z.boolean().exactOptional(),
  subdir: filled.exactOptional(),
});

/** An OCI image. */
export const image = z.strictObject({
  reference: filled,
  digest: filled.exactOptional(),
  platform: filled.exactOptional(),
  layout: filled.exactOptional(),
  transport: z.enum(['plain-http']).exactOptional(),
});

const debPackage = z.strictObject({
  name: filled,
  version: text.exactOptional(),
  sha256: sha256.exactOptional(),
  depends: filled.exactOptional(),
});

/** Debian packages: `"name"`, `"name=version"`, or a table. */
export const deb = z.strictObject({
  packages: z.array(z.union([filled, debPackage])).min(1),
  architecture: filled.exactOptional(),
});
