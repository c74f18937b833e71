/** Makes the smallest file that is a kernel module to whoever reads its `.modinfo`: headers, two sections, their names. */
export function makeKernelModule(needs: readonly string[], { bits = 64, endian = 'little' }: ModuleKind = {}): Buffer {
  const word = bits / 8;
  const number = (value: number, size: number): Buffer => {
    const bytes = Buffer.alloc(8);
    bytes.writeBigUInt64LE(BigInt(value));
    const cut = bytes.subarray(0, size);
    return endian === 'little' ? cut : Buffer.from(cut.toReversed());
  };
  const [headerSize, sectionSize] = bits === 64 ? [64, 64] : [52, 40];
  const info = Buffer.from(`license=GPL\0depends=${needs.join(',')}\0name=made\0`);
  const names = Buffer.from('\0.shstrtab\0.modinfo\0');
  const infoAt = headerSize + 3 * sectionSize;
  const section = (name: number, offset: number, size: number): Buffer => {
    const places = [0, 0, offset, size].map((value) => number(value, word));
    const head = Buffer.concat([number(name, 4), number(1, 4), ...places]);
    return Buffer.concat([head, Buffer.alloc(sectionSize - head.length)]);
  };
  const ident = Buffer.from([0x7f, 0x45, 0x4c, 0x46, bits / 32, endian === 'little' ? 1 : 2, 1]);
  const before = [number(1, 2), number(62, 2), number(1, 4), number(0, word), number(0, word), number(headerSize, word)];
  const after = [number(0, 4), ...[headerSize, 0, 0, sectionSize, 3, 1].map((value) => number(value, 2))];
  return Buffer.concat([
    ident,
    Buffer.alloc(16 - ident.length),
    ...before,
    ...after,
    Buffer.alloc(sectionSize),
    section(1, infoAt + info.length, names.length),
    section(11, infoAt, info.length),
    info,
    names,
  ]);
}

interface ModuleKind {
  readonly bits?: 32 | 64;
  readonly endian?: 'little' | 'big';
}
