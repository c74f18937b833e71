import type { Contents } from '../../src/formats/file-tree.ts';

const blockSize = 4096;

/** What content is like: all data, all zeros, data with zeros between, or with holes that are announced. */
export type Kind = 'data' | 'zeros' | 'gaps' | 'holes';

/** A name that says what the content is, so that none has to be kept. */
export function contentName(kind: Kind, size: number, seed = 1): string {
  return `${kind}:${size}:${seed}`;
}

function parse(name: string): { readonly kind: string; readonly size: number; readonly seed: number } {
  const [kind = '', size, seed] = name.split(':');
  return { kind, size: Number(size), seed: Number(seed) };
}

function hasData(kind: string, seed: number, block: number): boolean {
  if (kind === 'data') return true;
  if (kind === 'holes') return block % 2 === 1;
  return kind === 'gaps' && (Math.imul(block + 1, seed * 2 + 0x9e37_79b1) >>> 16) % 3 === 0;
}

/** The bytes that a name stands for. */
export function bytesOf(name: string): Buffer {
  const { kind, size, seed } = parse(name);
  const bytes = Buffer.alloc(size);
  for (let block = 0; block * blockSize < size; block += 1) {
    if (!hasData(kind, seed, block)) continue;
    bytes.fill(`block ${block} of ${name}\n`, block * blockSize, Math.min(size, (block + 1) * blockSize));
  }
  return bytes;
}

/** The ranges with data of content with announced holes: every other block. */
export function dataRangesOf(name: string): readonly { start: number; end: number }[] | undefined {
  const { kind, size } = parse(name);
  if (kind !== 'holes') return undefined;
  const blocks = Math.floor(size / blockSize / 2);
  const ranges = Array.from({ length: blocks }, (_, at) => ({ start: (2 * at + 1) * blockSize, end: (2 * at + 2) * blockSize }));
  const rest = (2 * blocks + 1) * blockSize;
  return rest < size ? [...ranges, { start: rest, end: size }] : ranges;
}

/** Small contents at once, larger ones in pieces of an odd size. */
export const namedContents: Contents = {
  open(name) {
    const bytes = bytesOf(name);
    return bytes.length <= 65_536 ? bytes : pieces(bytes);
  },
};

async function* pieces(bytes: Buffer): AsyncIterable<Uint8Array> {
  for (let at = 0; at < bytes.length; at += 300_001) {
    await Promise.resolve();
    yield bytes.subarray(at, at + 300_001);
  }
}
