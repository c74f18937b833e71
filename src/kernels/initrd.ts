import type { Kernel } from './inspect/inspect.ts';
import type { KernelConfig } from './inspect/config.ts';

/** What a kernel needs to unpack an initrd, by how it is compressed. */
const options = {
  gzip: 'CONFIG_RD_GZIP',
  zstd: 'CONFIG_RD_ZSTD',
  xz: 'CONFIG_RD_XZ',
  lz4: 'CONFIG_RD_LZ4',
} as const;

/** Whether a kernel can unpack an initrd; `unknown` when it does not say what it was built with. */
export type InitrdFit = 'fits' | 'unknown' | { readonly lacks: readonly string[] };

/**
 * What the configuration of a kernel lacks for an initrd whose parts are compressed like this. It is the one given, or the
 * one that the kernel has inside (IKCONFIG).
 */
export function initrdFit(kernel: Kernel | undefined, formats: Iterable<keyof typeof options>, given?: KernelConfig): InitrdFit {
  const config = kernel?.core?.config ?? given;
  if (config === undefined) return 'unknown';
  const needed = ['CONFIG_BLK_DEV_INITRD', ...[...new Set(formats)].map((format) => options[format])];
  const lacks = needed.filter((name) => config.get(name) !== 'y');
  return lacks.length === 0 ? 'fits' : { lacks };
}
