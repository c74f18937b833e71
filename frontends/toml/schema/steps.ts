import { z } from 'zod';
import { axisNames } from './axes.ts';
import { provenance, sign, verify } from './attest.ts';
import { boot } from './boot.ts';
import { disk, erofs, squashfs, verity, vfat } from './disk.ts';
import { edit } from './edits.ts';
import { exec } from './exec.ts';
import { deb, fetch, git, image, local } from './sources.ts';
import { convert, oci, rewriteTimestamps, sbom } from './postprocess.ts';
import { deploy, external } from './program.ts';
import { filled, natural, percent, reference, size, text } from './values.ts';

/** One step; exactly one of the keys says what it is. */
export const step = z.strictObject({
  fetch: fetch.exactOptional(),
  local: local.exactOptional(),
  git: git.exactOptional(),
  image: image.exactOptional(),
  deb: deb.exactOptional(),
  exec: exec.exactOptional(),
  tree: z.array(edit).exactOptional(),
  merge: z.array(reference).min(1).exactOptional(),
  extract: z.strictObject({ from: reference, strip: natural.exactOptional() }).exactOptional(),
  archive: z.strictObject({ from: reference, format: z.literal('tar').exactOptional() }).exactOptional(),
  cpio: z
    .strictObject({
      from: reference,
      kernel: reference.exactOptional(),
      compress: z.enum(['none', 'gzip', 'zstd', 'xz', 'lz4']).exactOptional(),
      level: natural.exactOptional(),
      mtime: natural.exactOptional(),
    })
    .exactOptional(),
  ext4: z
    .strictObject({
      from: reference,
      profile: z.enum(['plain', 'csum', 'journal', 'csum-journal']).exactOptional(),
      label: text.exactOptional(),
      uuid: text.exactOptional(),
      size: size.exactOptional(),
      headroom: z.union([size, percent]).exactOptional(),
      inodes: natural.exactOptional(),
      inode_headroom: natural.exactOptional(),
      mtime: z.int().exactOptional(),
      sparse: z.boolean().exactOptional(),
    })
    .exactOptional(),
  disk: disk.exactOptional(),
  verity: verity.exactOptional(),
  provenance: provenance.exactOptional(),
  sign: sign.exactOptional(),
  verify: verify.exactOptional(),
  squashfs: squashfs.exactOptional(),
  erofs: erofs.exactOptional(),
  vfat: vfat.exactOptional(),
  compress: z
    .strictObject({ from: reference, format: z.enum(['gzip', 'zstd', 'xz', 'lz4']), level: natural.exactOptional() })
    .exactOptional(),
  decompress: z.strictObject({ from: reference, format: z.enum(['gzip', 'zstd', 'xz', 'lz4']).exactOptional() }).exactOptional(),
  vmlinux: z.strictObject({ from: reference, path: filled.exactOptional() }).exactOptional(),
  oci: oci.exactOptional(),
  sbom: sbom.exactOptional(),
  convert: convert.exactOptional(),
  rewrite_timestamps: rewriteTimestamps.exactOptional(),
  external: external.exactOptional(),
  deploy: deploy.exactOptional(),
  boot: boot.exactOptional(),
  matrix: z.array(z.enum(axisNames)).exactOptional(),
});
