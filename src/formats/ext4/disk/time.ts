/** The first second that an inode can hold: 1901-12-13T20:45:52Z. */
export const firstSecond = -(2 ** 31);
/** The last: 2446-05-10T22:38:55Z. */
export const lastSecond = 2 ** 31 - 1 + 3 * 2 ** 32;

/** The field of the low 32 bits (signed) and the extra one: nanoseconds above two bits of epoch. */
export interface DiskTime {
  readonly low: number;
  readonly extra: number;
}

/** A time as an inode holds it. */
export function encodeTime(time: { readonly seconds: number; readonly nanos: number }): DiskTime {
  const low = time.seconds | 0;
  const epoch = (time.seconds - low) / 2 ** 32;
  return { low: low >>> 0, extra: ((time.nanos << 2) | (epoch & 3)) >>> 0 };
}

/** The time that two fields of an inode mean. */
export function decodeTime(time: DiskTime): { readonly seconds: number; readonly nanos: number } {
  return { seconds: (time.low | 0) + (time.extra & 3) * 2 ** 32, nanos: time.extra >>> 2 };
}
