/** A device number as the kernel splits it. */
export interface Device {
  readonly major: number;
  readonly minor: number;
}

/** The largest numbers that fit. */
export const largestDevice: Device = { major: 0xfff, minor: 0xf_ffff };

/** The first two numbers of `i_block`: the old form where it fits, else 0 and the new one. */
export function encodeDevice({ major, minor }: Device): readonly [number, number] {
  if (major < 256 && minor < 256) return [(major << 8) | minor, 0];
  return [0, ((minor & 0xff) | (major << 8) | ((minor & ~0xff) << 12)) >>> 0];
}

/** The device that the first two numbers of `i_block` mean. */
export function decodeDevice([old, made]: readonly [number, number]): Device {
  if (old !== 0) return { major: (old >>> 8) & 0xff, minor: old & 0xff };
  return { major: (made >>> 8) & 0xfff, minor: (made & 0xff) | ((made >>> 12) & 0xf_ff00) };
}
