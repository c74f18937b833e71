import { PortkitError } from '../../base/errors.ts';
import type { ByteReader } from '../byte-reader.ts';

const magic = 0x184c2102;
/** What a block gives at most; every block but the last gives just this. */
const blockSize = 8 * 2 ** 20;
/** A block that cannot be made smaller grows by this at most. */
const mostCompressed = blockSize + Math.ceil(blockSize / 255) + 16;

/**
 * The legacy LZ4 format (`lz4 -l`), which Linux kernels have: a magic number, then blocks that stand by themselves, each
 * behind its size, to the end of the stream. PK3304 for anything else.
 */
export async function* unlz4(reader: ByteReader, signal: AbortSignal): AsyncGenerator<Uint8Array> {
  const word = async (): Promise<number | undefined> => {
    const bytes = await reader.take(4);
    if (bytes.length === 0) return undefined;
    if (bytes.length < 4) throw malformed('it is cut off');
    return bytes.readUInt32LE();
  };
  if ((await word()) !== magic) throw malformed('it does not begin like one');
  for (let size = await word(); size !== undefined; size = await word()) {
    // Another stream may stand behind the first.
    if (size === magic) continue;
    if (size === 0 || size > mostCompressed) throw malformed(`it has a block of ${size} bytes`);
    const block = await reader.take(size);
    if (block.length < size) throw malformed('it is cut off');
    signal.throwIfAborted();
    const output = Buffer.allocUnsafe(blockSize);
    yield output.subarray(0, unpackBlock(block, output));
  }
}

/** Unpacks one block: runs of literal bytes, each followed by a piece to repeat from what is there; answers how much it gave. */
function unpackBlock(block: Buffer, output: Buffer): number {
  let from = 0;
  let to = 0;
  const next = (): number => {
    const byte = block[from++];
    if (byte === undefined) throw malformed('a block is cut off');
    return byte;
  };
  const length = (short: number): number => {
    let sum = short;
    if (short === 15)
      for (let byte = 255; byte === 255; sum += byte) {
        byte = next();
      }
    if (sum > blockSize) throw malformed('a block gives too much');
    return sum;
  };
  for (;;) {
    const token = next();
    const literals = length(token >> 4);
    if (from + literals > block.length) throw malformed('a block is cut off');
    if (to + literals > output.length) throw malformed('a block gives too much');
    block.copy(output, to, from, from + literals);
    from += literals;
    to += literals;
    if (from === block.length) return to;
    const back = next() + next() * 256;
    const repeated = length(token & 15) + 4;
    if (back === 0 || back > to) throw malformed('a block repeats what is not there');
    if (to + repeated > output.length) throw malformed('a block gives too much');
    repeat(output, { to, back, size: repeated });
    to += repeated;
  }
}

/** Copies within the output; what is copied may overlap what it makes. */
function repeat(output: Buffer, { to, back, size }: { readonly to: number; readonly back: number; readonly size: number }): void {
  if (back >= size && size > 32) output.copy(output, to, to - back, to - back + size);
  else for (let at = to; at < to + size; at++) output[at] = output[at - back] ?? 0;
}

function malformed(what: string): PortkitError {
  return new PortkitError('PK3304', `The lz4 stream is malformed: ${what}`);
}
