import { PortkitError } from '../../base/errors.ts';
import { sinkInto } from '../ext4/sink.ts';
import type { ImageWriter } from '../file-tree.ts';
import { backSectors, encodeBack, encodeFront } from './encode.ts';
import type { Partition, Table } from './table.ts';
import { sectorSize } from './table.ts';

/** The image in a partition. */
export type OpenPartition = (partition: Partition, signal: AbortSignal) => Promise<AsyncIterable<Uint8Array>>;

/** A disk as one stream of bytes; what no image fills is zeros. */
export async function* diskStream(table: Table, open: OpenPartition, signal: AbortSignal): AsyncGenerator<Uint8Array> {
  let done = 0;
  for await (const { bytes, position } of pieces(table, open, signal)) {
    yield* zeros(position - done);
    yield bytes;
    done = position + bytes.length;
  }
}

/** Writes a disk into an image; where there are only zeros it has holes. */
export async function writeDisk(
  table: Table,
  open: OpenPartition,
  to: { readonly image: ImageWriter; readonly signal: AbortSignal },
): Promise<void> {
  to.image.setSize(table.sectors * sectorSize);
  const sink = sinkInto(to.image);
  for await (const { bytes, position } of pieces(table, open, to.signal)) sink.put(bytes, position);
  sink.flush();
}

interface Piece {
  readonly bytes: Uint8Array;
  readonly position: number;
}

/** All that is not left zero, in ascending order. */
async function* pieces(table: Table, open: OpenPartition, signal: AbortSignal): AsyncGenerator<Piece> {
  yield { bytes: encodeFront(table), position: 0 };
  for (const partition of table.partitions) {
    const room = (partition.last + 1 - partition.first) * sectorSize;
    let done = 0;
    for await (const bytes of await open(partition, signal)) {
      signal.throwIfAborted();
      if (done + bytes.length > room)
        throw new PortkitError(
          'PK3751',
          `The image of partition ${partition.number} has more than the ${room} bytes that were told`,
        );
      yield { bytes, position: partition.first * sectorSize + done };
      done += bytes.length;
    }
  }
  yield { bytes: encodeBack(table), position: (table.sectors - backSectors) * sectorSize };
}

const empty = Buffer.alloc(1 << 18);

function* zeros(count: number): Generator<Uint8Array> {
  for (let left = count; left > 0; left -= empty.length) yield empty.subarray(0, Math.min(left, empty.length));
}
