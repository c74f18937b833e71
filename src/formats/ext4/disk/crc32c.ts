/** CRC-32C (Castagnoli), reflected. */
const polynomial = 0x82f63b78;

/** Eight tables of 256: table k advances a byte that stands k places before the end of a group of eight. */
const tables = makeTables();

function makeTables(): Int32Array {
  const made = new Int32Array(8 * 256);
  for (let byte = 0; byte < 256; byte += 1) {
    let crc = byte;
    for (let bit = 0; bit < 8; bit += 1) crc = (crc & 1) === 0 ? crc >>> 1 : (crc >>> 1) ^ polynomial;
    made[byte] = crc;
  }
  for (let at = 256; at < made.length; at += 1) {
    const before = made[at - 256] ?? 0;
    made[at] = (before >>> 8) ^ (made[before & 0xff] ?? 0);
  }
  return made;
}

/**
 * CRC-32C of bytes as ext4 has it: it continues from `seed` and is not inverted at the end. Node has only the other CRC-32;
 * this takes eight bytes a step.
 */
export function crc32c(seed: number, bytes: Uint8Array): number {
  const t = tables;
  let crc = seed | 0;
  let at = 0;
  for (const end = bytes.length - 7; at < end; at += 8) {
    crc ^= bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24);
    crc =
      t[1792 + (crc & 0xff)]! ^
      t[1536 + ((crc >>> 8) & 0xff)]! ^
      t[1280 + ((crc >>> 16) & 0xff)]! ^
      t[1024 + (crc >>> 24)]! ^
      t[768 + bytes[at + 4]!]! ^
      t[512 + bytes[at + 5]!]! ^
      t[256 + bytes[at + 6]!]! ^
      t[bytes[at + 7]!]!;
  }
  for (; at < bytes.length; at += 1) crc = (crc >>> 8) ^ t[(crc ^ bytes[at]!) & 0xff]!;
  return crc >>> 0;
}

/** CRC-32C of one little-endian 32-bit number, continued from `seed`. */
export function crc32cOfNumber(seed: number, value: number): number {
  let crc = seed;
  for (let shift = 0; shift < 32; shift += 8) crc = (crc >>> 8) ^ tables[(crc ^ (value >>> shift)) & 0xff]!;
  return crc >>> 0;
}
