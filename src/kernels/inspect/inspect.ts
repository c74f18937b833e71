import { PortkitError } from '../../base/errors.ts';
import { byteReader } from '../../formats/byte-reader.ts';
import { catcher } from './catch.ts';
import type { Compression } from './compression.ts';
import { readConfig } from './config.ts';
import type { KernelConfig } from './config.ts';
import type { Container, Header } from './header.ts';
import { headerSize } from './header.ts';
import { noteReader } from './notes.ts';
import { openKernel } from './open.ts';
import type { Core, KernelSource } from './open.ts';

/** What is known of a kernel from its file. */
export interface Kernel {
  readonly container: Container;
  /** The machine, as `uname -m` names it; unknown when only a part that cannot be unpacked says it. */
  readonly architecture?: string;
  /** The compression of the payload, or of the whole file. */
  readonly compression?: Compression;
  readonly efiStub: boolean;
  /** What it calls itself, without "Linux version": release, builder, compiler, build number and time. */
  readonly version?: string;
  /** The kernel proper; undefined when it cannot be unpacked here. */
  readonly core?: KernelCore;
  /** Why the kernel proper cannot be unpacked here. */
  readonly unread?: string;
}

/** What is known of the kernel proper. */
interface KernelCore {
  readonly container: 'elf' | 'arm64-image';
  readonly size: number;
  /** Where a monitor starts it by PVH. */
  readonly pvhEntry?: number;
  /** The size of its pages in KiB, where the kind of file says it. */
  readonly pageKiB?: number;
  /** What it was built with, when it has that inside (CONFIG_IKCONFIG). */
  readonly config?: KernelConfig;
  /** What shows that it can be a guest of PVM. */
  readonly pvmGuest?: 'config' | 'symbols';
}

/**
 * Looks into a kernel file, which is read once from front to back. PK3701 when it is no kernel, PK3702 when it is
 * malformed; a compression that cannot be read here is no error but `unread`.
 */
export async function inspectKernel(source: KernelSource, signal: AbortSignal): Promise<Kernel> {
  await using opened = await openKernel(source, signal);
  const { header, compression, core } = opened;
  const { container, efiStub } = header;
  const outside = { container, efiStub, ...(compression !== undefined && { compression }) };
  if (core instanceof PortkitError) return { ...outside, ...wordsOf(header, undefined), unread: core.message };
  const { version, ...inside } = await inspectCore(core, signal);
  const architecture = core.header.architecture;
  if (header.architecture !== undefined && architecture !== header.architecture)
    throw new PortkitError(
      'PK3702',
      `The kernel is malformed: it says that it is for ${header.architecture}, and what is in it is for ${architecture}`,
    );
  return { ...outside, ...wordsOf({ ...header, ...(architecture !== undefined && { architecture }) }, version), core: inside };
}

function wordsOf({ architecture, version }: Header, banner: string | undefined): Pick<Kernel, 'architecture' | 'version'> {
  const text = banner ?? version;
  return { ...(architecture !== undefined && { architecture }), ...(text !== undefined && { version: text }) };
}

/**
 * The text of /proc/version (init/version-timestamp.c). Kernels since 6.1 have it twice: the other (init/version.c) stands
 * for it while they are linked and has no build number behind its "#".
 */
const banner = {
  begin: 'Linux version ',
  end: '\n',
  most: 1024,
  accept: (text: Buffer) => /^\d+\.\d+(?:(?! # )[\x20-\x7e])*$/.test(text.toString('latin1')),
};

/** `kernel/configs.c`: a gzip file between two words. */
const ikconfig = { begin: 'IKCFG_ST', end: 'IKCFG_ED', most: 4 * 2 ** 20, accept: (bytes: Buffer) => bytes[0] === 0x1f };

/** A name in the symbol table that only guests of PVM have (arch/x86/kernel/pvm.c); a stripped kernel shows none. */
const pvmSymbol = { begin: '\0pvm_early_setup', end: '\0', most: 0 };

const partSize = 2 ** 20;

async function inspectCore(
  { header, content }: Core,
  signal: AbortSignal,
): Promise<KernelCore & { readonly version: string | undefined }> {
  const reader = byteReader(content);
  const [version, config, symbol] = [banner, ikconfig, pvmSymbol].map(catcher);
  const first = await reader.take(partSize);
  const notes = header.container === 'elf' ? await noteReader(first.subarray(0, headerSize)) : undefined;
  let size = 0;
  for (let part = first; part.length > 0;) {
    signal.throwIfAborted();
    size += part.length;
    notes?.see(part);
    const next = await reader.take(partSize);
    for (const one of [version, config, symbol]) one?.see(part, next.length === 0);
    part = next;
  }
  const packed = config?.caught();
  const options = packed && (await readConfig(packed, signal));
  const pvhEntry = notes?.pvhEntry();
  const pvmGuest = options === undefined ? symbol?.caught() && 'symbols' : options.get('CONFIG_PVM_GUEST') === 'y' && 'config';
  return {
    container: header.container === 'elf' ? 'elf' : 'arm64-image',
    size,
    version: version?.caught()?.toString('latin1'),
    ...(pvhEntry !== undefined && { pvhEntry }),
    ...(header.pageKiB !== undefined && { pageKiB: header.pageKiB }),
    ...(options !== undefined && { config: options }),
    ...(pvmGuest !== undefined && pvmGuest !== false && { pvmGuest }),
  };
}
