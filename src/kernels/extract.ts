import { PortkitError } from '../base/errors.ts';
import { openKernel } from './inspect/open.ts';
import type { KernelSource } from './inspect/open.ts';

/**
 * The kernel proper of a kernel file, as microVMs start it: the ELF vmlinux, or for arm64 the Image. A file that is one
 * already comes out as it is. PK3701, PK3702 and PK3703 as for looking into it.
 */
export async function* extractKernel(source: KernelSource, signal: AbortSignal): AsyncGenerator<Uint8Array> {
  await using opened = await openKernel(source, signal);
  if (opened.core instanceof PortkitError) throw opened.core;
  yield* opened.core.content;
}
