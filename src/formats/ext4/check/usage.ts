import type { FileSystem } from '../read/file-system.ts';

/** Which blocks something uses, as bits; a group without any takes no memory. */
export interface BlockUsage {
  /** Marks blocks as used; gives the first that already was. */
  claim(block: number, count: number): number | undefined;
  /** The bits of a group, from its first block on; undefined when none is set. */
  bitsOf(group: number): Uint8Array | undefined;
}

/** Nothing is used yet. */
export function blockUsage({ superblock, geometry }: FileSystem): BlockUsage {
  const { firstDataBlock, blocksPerGroup } = superblock;
  const groups = new Map<number, Uint8Array>();

  function bitsFor(group: number): Uint8Array {
    const known = groups.get(group) ?? new Uint8Array(geometry.blockSize);
    groups.set(group, known);
    return known;
  }

  return {
    claim(block, count) {
      let twice: number | undefined;
      for (let at = block - firstDataBlock, end = at + count; at < end;) {
        const group = Math.floor(at / blocksPerGroup);
        const first = at % blocksPerGroup;
        const length = Math.min(end - at, blocksPerGroup - first);
        const set = setBits(bitsFor(group), first, length);
        if (set !== undefined) twice ??= firstDataBlock + group * blocksPerGroup + set;
        at += length;
      }
      return twice;
    },
    bitsOf: (group) => groups.get(group),
  };
}

/** Sets bits; gives the first that was set before. */
function setBits(bits: Uint8Array, first: number, length: number): number | undefined {
  let twice: number | undefined;
  for (let bit = first, end = first + length; bit < end;) {
    const whole = bit % 8 === 0 && end - bit >= 8;
    const mask = whole ? 0xff : 1 << (bit % 8);
    const byte = bits[bit >>> 3] ?? 0;
    if ((byte & mask) !== 0) twice ??= (bit & ~7) + Math.max(bit % 8, lowestBit(byte & mask));
    bits[bit >>> 3] = byte | mask;
    bit += whole ? 8 : 1;
  }
  return twice;
}

function lowestBit(byte: number): number {
  return 31 - Math.clz32(byte & -byte);
}
