import { PortkitError } from '../../base/errors.ts';
import { packingOf } from './compression.ts';
import type { Compression } from './compression.ts';

/** How a kernel is packed, as whatever loads it sees it. */
export type Container = 'bzimage' | 'efi-zboot' | 'elf' | 'arm64-image' | 'compressed';

/** Where the compressed kernel lies in a file. */
export interface Payload {
  readonly offset: number;
  /** Without a size it goes on to the end of the file. */
  readonly size?: number;
  /** Where formats that do not say the unpacked size have it in four bytes behind them. */
  readonly hasSizeBehind: boolean;
}

/** What the first bytes of a kernel file say. */
export interface Header {
  readonly container: Container;
  /** The machine, as `uname -m` names it; a compressed file does not say it. */
  readonly architecture?: string;
  /** UEFI firmware can start it as a program. */
  readonly efiStub: boolean;
  /** The version text of the x86 boot header: `6.1.0 (builder@host) #1 SMP …`. */
  readonly version?: string;
  /** The size of its pages in KiB, which only an arm64 Image says. */
  readonly pageKiB?: number;
  readonly payload?: Payload;
  /** The compression of the whole file. */
  readonly compression?: Compression;
}

/** How many bytes have everything that `readHeader` reads: the largest real-mode part of a bzImage. */
export const headerSize = 256 * 512;

/** Tells what kind of kernel begins like this; PK3701 when it is none. */
export function readHeader(head: Buffer): Header {
  const machine = peMachine(head);
  const efiStub = machine !== undefined;
  const compression = packingOf(head);
  if (textAt(head, 0, 4) === '\x7fELF' && head.length >= 20) return { container: 'elf', architecture: elfMachine(head), efiStub };
  if (textAt(head, 0x202, 4) === 'HdrS' && head.length > 0x250 && head.readUInt16LE(0x1fe) === 0xaa55)
    return { container: 'bzimage', efiStub, ...bootHeader(head) };
  if (textAt(head, 0, 2) === 'MZ' && textAt(head, 4, 4) === 'zimg' && head.length >= 64) return zboot(head, machine);
  if (textAt(head, 56, 4) === 'ARM\x64' && head.length >= 64) return arm64Image(head, efiStub);
  if (compression !== undefined) {
    const payload = { offset: 0, hasSizeBehind: false };
    return { container: 'compressed', efiStub: false, compression, payload };
  }
  throw new PortkitError('PK3701', 'The file is no kernel of a known kind', {
    hint: efiStub
      ? 'It is an EFI program, such as a unified kernel image; take the kernel out of it'
      : head.length === 0
        ? 'It is empty'
        : 'Known are bzImage, ELF vmlinux, arm64 Image and EFI zboot, compressed or not',
  });
}

/** The x86 boot protocol (Documentation/arch/x86/boot.rst); the fields are there since the version that is given. */
function bootHeader(head: Buffer): Pick<Header, 'architecture' | 'version' | 'payload'> {
  const protocol = head.readUInt16LE(0x206);
  const setupSize = ((head[0x1f1] ?? 0) || 4) * 512 + 512;
  const at = head.readUInt16LE(0x20e) + 0x200;
  const version = at > 0x200 && at < setupSize ? printableAt(head, at) : undefined;
  const is64 = (head.readUInt16LE(0x236) & 1) === 1;
  return {
    ...(version !== undefined && { version }),
    ...(protocol >= 0x20c && { architecture: is64 ? 'x86_64' : 'i386' }),
    ...(protocol >= 0x208 && {
      payload: { offset: setupSize + head.readUInt32LE(0x248), size: head.readUInt32LE(0x24c), hasSizeBehind: true },
    }),
  };
}

/** An EFI program that unpacks a kernel (drivers/firmware/efi/libstub/zboot-header.S). */
function zboot(head: Buffer, machine: number | undefined): Header {
  return {
    container: 'efi-zboot',
    efiStub: true,
    ...(machine !== undefined && { architecture: peMachines.get(machine) ?? `machine ${machine}` }),
    payload: { offset: head.readUInt32LE(8), size: head.readUInt32LE(12), hasSizeBehind: false },
  };
}

/** Documentation/arch/arm64/booting.rst. */
function arm64Image(head: Buffer, efiStub: boolean): Header {
  const flags = head.readUInt32LE(24);
  const pageKiB = [undefined, 4, 16, 64][(flags >> 1) & 3];
  const architecture = (flags & 1) === 1 ? 'aarch64_be' : 'aarch64';
  return { container: 'arm64-image', architecture, efiStub, ...(pageKiB !== undefined && { pageKiB }) };
}

const elfMachines: ReadonlyMap<number, string> = new Map([
  [3, 'i386'],
  [21, 'ppc64'],
  [22, 's390x'],
  [40, 'arm'],
  [62, 'x86_64'],
  [183, 'aarch64'],
  [243, 'riscv64'],
  [258, 'loongarch64'],
]);

function elfMachine(head: Buffer): string {
  const isBig = head[5] === 2;
  const machine = isBig ? head.readUInt16BE(18) : head.readUInt16LE(18);
  const name = elfMachines.get(machine) ?? `machine ${machine}`;
  return isBig && name === 'aarch64' ? 'aarch64_be' : name;
}

const peMachines: ReadonlyMap<number, string> = new Map([
  [0x14c, 'i386'],
  [0x5064, 'riscv64'],
  [0x6264, 'loongarch64'],
  [0x8664, 'x86_64'],
  [0xaa64, 'aarch64'],
]);

/** The machine of a program for UEFI firmware (PE); undefined when it is none. */
function peMachine(head: Buffer): number | undefined {
  if (textAt(head, 0, 2) !== 'MZ' || head.length < 64) return undefined;
  const at = head.readUInt32LE(0x3c);
  return textAt(head, at, 4) === 'PE\0\0' && at + 6 <= head.length ? head.readUInt16LE(at + 4) : undefined;
}

function textAt(head: Buffer, at: number, size: number): string {
  return head.toString('latin1', at, at + size);
}

/** The text up to its NUL, when it is one that can be shown. */
function printableAt(head: Buffer, at: number): string | undefined {
  const [, text] = /^([\x20-\x7e]{1,255})\0/.exec(textAt(head, at, 256)) ?? [];
  return text;
}
