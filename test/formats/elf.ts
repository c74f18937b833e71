/** What a made-up ELF file says. */
export interface ElfSample {
  readonly bits?: 32 | 64;
  readonly endian?: 'little' | 'big';
  readonly machine?: number;
  readonly interpreter?: string;
  readonly soname?: string;
  readonly needed?: readonly string[];
  readonly rpath?: string;
  readonly runpath?: string;
}

/** Makes the smallest ELF file that says this: headers, one loaded segment, the dynamic section and its texts. */
export function makeElf({ bits = 64, endian = 'little', machine = 62, ...said }: ElfSample): Buffer {
  const word = bits / 8;
  const number = (value: number, size: number): Buffer => {
    const bytes = Buffer.alloc(8);
    bytes.writeBigUInt64LE(BigInt(value));
    const cut = bytes.subarray(0, size);
    return endian === 'little' ? cut : Buffer.from(cut.toReversed());
  };
  let texts = '\0';
  const text = (value: string): number => {
    texts += `${value}\0`;
    return texts.length - value.length - 1;
  };
  const entries: [tag: number, value: number][] = [];
  for (const name of said.needed ?? []) entries.push([1, text(name)]);
  if (said.soname !== undefined) entries.push([14, text(said.soname)]);
  if (said.rpath !== undefined) entries.push([15, text(said.rpath)]);
  if (said.runpath !== undefined) entries.push([29, text(said.runpath)]);
  const [headerSize, segmentSize] = bits === 64 ? [64, 56] : [52, 32];
  const count = said.interpreter === undefined ? 2 : 3;
  const dynamicAt = headerSize + count * segmentSize;
  const dynamicSize = (entries.length + 3) * 2 * word;
  const textsAt = dynamicAt + dynamicSize;
  const interpreterAt = textsAt + texts.length;
  const base = 0x10000;
  entries.push([5, base + textsAt], [10, texts.length], [0, 0]);

  const segment = (type: number, offset: number, size: number): Buffer => {
    const places = [offset, base + offset, base + offset, size, size].map((value) => number(value, word));
    const [type4, flags] = [number(type, 4), number(4, 4)];
    return Buffer.concat(bits === 64 ? [type4, flags, ...places, number(8, word)] : [type4, ...places, flags, number(4, word)]);
  };
  const ident = Buffer.from([0x7f, 0x45, 0x4c, 0x46, bits / 32, endian === 'little' ? 1 : 2, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
  const interpreter = said.interpreter === undefined ? '' : `${said.interpreter}\0`;
  return Buffer.concat([
    ident,
    number(3, 2),
    number(machine, 2),
    number(1, 4),
    number(0, word),
    number(headerSize, word),
    number(0, word),
    number(0, 4),
    number(headerSize, 2),
    number(segmentSize, 2),
    number(count, 2),
    number(0, 6).subarray(0, 6),
    segment(1, 0, interpreterAt),
    segment(2, dynamicAt, dynamicSize),
    ...(said.interpreter === undefined ? [] : [segment(3, interpreterAt, interpreter.length)]),
    ...entries.flatMap(([tag, value]) => [number(tag, word), number(value, word)]),
    Buffer.from(texts + interpreter),
  ]);
}
