/** Are these bytes the same in both? */
export function compareBytes(a: Uint8Array, b: Uint8Array, [from, length]: readonly [from: number, length: number]): boolean {
  return Buffer.compare(a.subarray(from, from + length), b.subarray(from, from + length)) === 0;
}
