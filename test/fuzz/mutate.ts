/** Numbers from 0 to below `limit`, always the same ones for a seed. */
export type Random = (limit: number) => number;

/** A small generator (mulberry32): quick, and good enough to choose bytes. */
export function randomFrom(seed: number): Random {
  let state = seed >>> 0;
  return (limit) => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32) * limit);
  };
}

/** Bytes that readers like to trip over. */
const telling = Buffer.from('\x00\xff\x7f\x80 -+./\n0179afxLKgTRAILER!!!\x1f\x8b', 'latin1');

/** Changes a valid file in one to three places: a byte, a run, a cut, a part that moves or comes twice, or part of another file. */
export function mutate(bytes: Buffer, other: Buffer, random: Random): Buffer {
  let result: Buffer = bytes;
  for (let left = 1 + random(3); left > 0; left--) result = change(result, other, random);
  return result;
}

function change(bytes: Buffer, other: Buffer, random: Random): Buffer {
  const at = random(bytes.length + 1);
  const size = 1 + random(random(3) === 0 ? 600 : 12);
  const [head, tail] = [bytes.subarray(0, at), bytes.subarray(at)];
  const from = random(other.length + 1);
  switch (random(8)) {
    case 0:
    case 1:
      return replace(bytes, at, Buffer.from([telling[random(telling.length)] ?? 0]));
    case 2:
      return replace(bytes, at, Buffer.from([(bytes[at] ?? 0) ^ (1 << random(8))]));
    case 3:
      return replace(bytes, at, Buffer.alloc(size, telling[random(telling.length)]));
    case 4:
      return random(4) === 0 ? Buffer.from(head) : Buffer.concat([head, tail.subarray(size)]);
    case 5:
      return Buffer.concat([head, tail.subarray(0, size), tail]);
    case 6:
      return Buffer.concat([head, other.subarray(from, from + size), tail]);
    default:
      return replace(bytes, at, other.subarray(from, from + size));
  }
}

function replace(bytes: Buffer, at: number, by: Buffer): Buffer {
  const result = Buffer.from(bytes);
  by.copy(result, at);
  return result;
}
