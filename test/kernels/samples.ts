import { execFileSync } from 'node:child_process';
import { gzipSync, zstdCompressSync } from 'node:zlib';

/** What a made-up kernel says. */
export interface KernelSample {
  readonly machine?: number;
  /** The text of /proc/version; "" for none. */
  readonly version?: string;
  readonly config?: string;
  /** Where its PVH note leads. */
  readonly pvh?: number;
  readonly symbols?: readonly string[];
  /** Bytes between its parts. */
  readonly padding?: number;
}

export const sampleVersion = '6.1.155 (builder@host) (gcc 12.2.0) #1 SMP PREEMPT_DYNAMIC Mon Jan 1 00:00:00 UTC 2024';

/** What every kernel has somewhere: its banner, its configuration, its symbols. */
function insides({ version = sampleVersion, config, symbols = [], padding = 100 }: KernelSample): Buffer {
  const gap = Buffer.alloc(padding, 0x90);
  return Buffer.concat([
    gap,
    Buffer.from('%s version %s (builder@host)\n\0Linux version %s\n\0'),
    gap,
    Buffer.from(version === '' ? '' : `Linux version ${version}\n\0`),
    gap,
    ...(config === undefined ? [] : [Buffer.from('IKCFG_ST'), gzipSync(config), Buffer.from('IKCFG_ED')]),
    gap,
    Buffer.from(`\0${symbols.join('\0')}\0`),
  ]);
}

function note(name: string, type: number, content: Buffer): Buffer {
  const filled = (bytes: Buffer): Buffer => Buffer.concat([bytes, Buffer.alloc((4 - (bytes.length % 4)) % 4)]);
  const head = Buffer.alloc(12);
  const named = Buffer.from(`${name}\0`);
  head.writeUInt32LE(named.length, 0);
  head.writeUInt32LE(content.length, 4);
  head.writeUInt32LE(type, 8);
  return Buffer.concat([head, filled(named), filled(content)]);
}

/** An ELF vmlinux: headers, one loaded segment, and its notes at the end. */
export function makeVmlinux(sample: KernelSample = {}): Buffer {
  const body = insides(sample);
  const entry = Buffer.alloc(8);
  entry.writeBigUInt64LE(BigInt(sample.pvh ?? 0));
  const notes = Buffer.concat([
    note('Linux', 0x100, Buffer.from('made')),
    ...(sample.pvh === undefined ? [] : [note('Xen', 18, entry)]),
    note('GNU', 3, Buffer.alloc(20, 7)),
  ]);
  const head = Buffer.alloc(64 + 2 * 56);
  head.write('\x7fELF', 'latin1');
  head.set([2, 1, 1], 4);
  head.writeUInt16LE(2, 16);
  head.writeUInt16LE(sample.machine ?? 62, 18);
  head.writeUInt32LE(1, 20);
  head.writeBigUInt64LE(64n, 32);
  head.writeUInt16LE(64, 52);
  head.writeUInt16LE(56, 54);
  head.writeUInt16LE(2, 56);
  const segment = (at: number, [type, offset, size]: readonly [number, number, number]): void => {
    head.writeUInt32LE(type, at);
    head.writeBigUInt64LE(BigInt(offset), at + 8);
    head.writeBigUInt64LE(BigInt(size), at + 32);
  };
  segment(64, [1, 0, head.length + body.length]);
  segment(64 + 56, [4, head.length + body.length, notes.length]);
  return Buffer.concat([head, body, notes]);
}

/** An arm64 Image with the PE headers of its EFI stub. */
export function makeImage(sample: KernelSample & { readonly flags?: number; readonly efi?: boolean } = {}): Buffer {
  const head = Buffer.alloc(128);
  if (sample.efi !== false) {
    head.write('MZ');
    head.writeUInt32LE(64, 60);
    head.write('PE\0\0', 64);
    head.writeUInt16LE(0xaa64, 68);
  }
  head.writeUInt32LE(sample.flags ?? 0b1010, 24);
  head.write('ARM\x64', 56);
  return Buffer.concat([head, insides(sample)]);
}

export type Packing = 'gzip' | 'zstd' | 'xz' | 'lz4' | 'bzip2' | 'lzma' | 'lzo';

/** What begins like these formats is all that anybody asks of them. */
const beginnings = {
  bzip2: Buffer.from('BZh9'),
  lzma: Buffer.from([0x5d, 0, 0, 0x80, 0]),
  lzo: Buffer.from([0x89, 0x4c, 0x5a, 0x4f, 0, 0x0d, 0x0a, 0x1a, 0x0a]),
};

/** Bytes as the kernel's makefiles compress them. */
export function pack(bytes: Buffer, packing: Packing): Buffer {
  if (packing === 'gzip') return gzipSync(bytes);
  if (packing === 'zstd') return zstdCompressSync(bytes);
  if (packing === 'xz') return execFileSync('xz', ['--check=crc32', '-c'], { input: bytes, maxBuffer: 2 ** 28 });
  return packing === 'lz4' ? packLz4(bytes) : Buffer.concat([beginnings[packing], bytes]);
}

/** Legacy LZ4 of whole blocks: literals, then runs of one byte as pieces that repeat themselves. */
function packLz4(bytes: Buffer): Buffer {
  const parts: Buffer[] = [Buffer.from('02214c18', 'hex')];
  for (let at = 0; at < bytes.length; at += 8 * 2 ** 20) {
    const block = packBlock(bytes.subarray(at, at + 8 * 2 ** 20));
    const size = Buffer.alloc(4);
    size.writeUInt32LE(block.length);
    parts.push(size, block);
  }
  return Buffer.concat(parts);
}

function packBlock(block: Buffer): Buffer {
  const out: Buffer[] = [];
  let from = 0;
  const extension = (value: number): number[] =>
    value < 15 ? [] : [...Array.from({ length: Math.floor((value - 15) / 255) }, () => 255), (value - 15) % 255];
  for (let at = 1; at < block.length; at++) {
    let to = at;
    while (to < block.length - 12 && block[to] === block[at - 1]) to++;
    if (to - at < 8) continue;
    const [literals, repeated] = [at - from, to - at - 4];
    const token = (Math.min(literals, 15) << 4) | Math.min(repeated, 15);
    out.push(Buffer.from([token, ...extension(literals)]), block.subarray(from, at), Buffer.from([1, 0, ...extension(repeated)]));
    from = to;
    at = to;
  }
  const literals = block.length - from;
  out.push(Buffer.from([Math.min(literals, 15) << 4, ...extension(literals)]), block.subarray(from));
  return Buffer.concat(out);
}

/** A bzImage around a kernel: boot sector, setup, the unpacking code, and the payload at the place the header says. */
export function makeBzImage(
  core: Buffer,
  {
    packing = 'gzip',
    protocol = 0x20f,
    is64 = true,
    setupSectors = 3,
    version = sampleVersion.split(' (gcc')[0],
  }: {
    readonly packing?: Packing;
    readonly protocol?: number;
    readonly is64?: boolean;
    readonly setupSectors?: number;
    readonly version?: string;
  } = {},
): Buffer {
  const packed = pack(core, packing);
  const size = Buffer.alloc(packing === 'gzip' ? 0 : 4);
  if (size.length > 0) size.writeUInt32LE(core.length);
  const payload = Buffer.concat([packed, size]);
  const setup = Buffer.alloc((setupSectors + 1) * 512);
  // Four are written as none: the oldest kernels did not say.
  setup[0x1f1] = setupSectors === 4 ? 0 : setupSectors;
  setup.writeUInt16LE(0xaa55, 0x1fe);
  setup.write('HdrS', 0x202);
  setup.writeUInt16LE(protocol, 0x206);
  setup.writeUInt16LE(0x300, 0x20e);
  setup[0x211] = 1;
  setup.writeUInt16LE(is64 ? 3 : 0, 0x236);
  setup.writeUInt32LE(700, 0x248);
  setup.writeUInt32LE(payload.length, 0x24c);
  setup.write(`${version}\0`, 0x500);
  return Buffer.concat([setup, Buffer.alloc(700, 0xcc), payload, Buffer.alloc(300, 0xcc)]);
}

/** An EFI zboot program around an Image. */
export function makeZboot(core: Buffer, packing: Packing = 'gzip'): Buffer {
  const packed = pack(core, packing);
  const head = Buffer.alloc(512);
  head.write('MZ\0\0zimg');
  head.writeUInt32LE(head.length, 8);
  head.writeUInt32LE(packed.length, 12);
  head.write(packing, 24);
  head.writeUInt32LE(128, 60);
  head.write('PE\0\0', 128);
  head.writeUInt16LE(0xaa64, 132);
  return Buffer.concat([head, packed, Buffer.alloc(64)]);
}
