import { crc32c } from '../disk/crc32c.ts';
import { directoryEntry, directoryTail } from '../disk/directory.ts';

/**
 * Compares a block of a directory with its checksum. Blocks of names end with a tail, which is left out of the names: then
 * true is returned. Blocks of a hash index keep the sum behind the index.
 */
export function checkDirectorySum(bytes: Uint8Array, seed: number, wrong: (what: string) => void): boolean {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  // Looked for first: what was a block of names may still have its old tail.
  const counts = indexPlace(view);
  if (counts === undefined) return checkTail(bytes, seed, wrong);
  const limit = view.getUint16(counts, true);
  const count = view.getUint16(counts + 2, true);
  const sumAt = counts + limit * 8;
  if (count > limit || sumAt + 8 > bytes.length) {
    wrong('the hash index is malformed');
    return false;
  }
  const sum = crc32c(
    crc32c(crc32c(seed, bytes.subarray(0, counts + count * 8)), bytes.subarray(sumAt, sumAt + 4)),
    new Uint8Array(4),
  );
  if (sum !== view.getUint32(sumAt + 4, true)) wrong('the checksum of the hash index is wrong');
  return false;
}

function checkTail(bytes: Uint8Array, seed: number, wrong: (what: string) => void): boolean {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const tail = bytes.length - directoryTail.length;
  const isTail =
    view.getUint32(tail, true) === 0 &&
    view.getUint16(tail + directoryEntry.length, true) === directoryTail.length &&
    view.getUint16(tail + directoryEntry.nameLength, true) === directoryTail.type << 8;
  if (!isTail) wrong('the checksum is missing');
  else if (crc32c(seed, bytes.subarray(0, tail)) !== view.getUint32(tail + directoryTail.checksum, true))
    wrong('the checksum is wrong');
  return isTail;
}

/** Where a block of a hash index has its limit and count; undefined when it is none. */
function indexPlace(view: DataView): number | undefined {
  const first = view.getUint16(4, true);
  if (view.getUint32(0, true) === 0 && first === view.byteLength % 65_536) return 8;
  const isRoot = first === 12 && view.getUint16(16, true) === view.byteLength - 12 && view.getUint8(29) === 8;
  return isRoot ? 32 : undefined;
}
