import { crc32c } from '../disk/crc32c.ts';

/** A number as the four little-endian bytes that go into a checksum. */
export function bytesOf32(value: number): Uint8Array {
  return Uint8Array.of(value, value >>> 8, value >>> 16, value >>> 24);
}

/** The checksum of bytes in which `length` bytes at `at` (where it stands itself) count as zero. */
export function crcWithout(seed: number, bytes: Uint8Array, [at, length]: readonly [at: number, length: number]): number {
  const before = crc32c(crc32c(seed, bytes.subarray(0, at)), new Uint8Array(length));
  return crc32c(before, bytes.subarray(at + length));
}

/** CRC-16 as the older group checksums (uninit_bg) use it. */
export function crc16(seed: number, bytes: Uint8Array): number {
  let crc = seed;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (crc & 1 ? 0xa001 : 0);
  }
  return crc;
}
