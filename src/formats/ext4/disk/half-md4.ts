/** The state that the hash of a name begins with when the file system has no seed. */
const initial: readonly [number, number, number, number] = [0x6745_2301, 0xefcd_ab89, 0x98ba_dcfe, 0x1032_5476];
/** The words of a piece of a name in the order in which each round takes them, and how far it rotates. */
const rounds = [
  { words: [0, 1, 2, 3, 4, 5, 6, 7], turns: [3, 7, 11, 19], added: 0 },
  { words: [1, 3, 5, 7, 0, 2, 4, 6], turns: [3, 5, 9, 13], added: 0x5a82_7999 },
  { words: [3, 7, 2, 6, 1, 5, 0, 4], turns: [3, 9, 11, 15], added: 0x6ed9_eba1 },
] as const;
const pieceLength = 32;
/** The last hash there is stands for the end of a directory. */
const end = 0xffff_fffe;

/** How a name is hashed: from a seed of four words, with its bytes as signed or unsigned characters. */
export interface NameHashing {
  readonly seed: readonly number[];
  readonly characters: 'signed' | 'unsigned';
}

/** The half MD4 of a name, by which hash indexes of directories are ordered; its lowest bit is 0. */
export function halfMd4(name: Uint8Array, { seed, characters }: NameHashing): number {
  const state = new Int32Array(seed.some((word) => word !== 0) ? seed : initial);
  for (let at = 0; at < name.length; at += pieceLength) transform(state, wordsOf(name.subarray(at), characters));
  const hash = (state[1]! & ~1) >>> 0;
  return hash === end ? end - 2 : hash;
}

/** The first 32 bytes as eight words, filled up with the length of what is left of the name. */
function wordsOf(rest: Uint8Array, characters: NameHashing['characters']): Int32Array {
  const filling = rest.length | (rest.length << 8) | ((rest.length | (rest.length << 8)) << 16);
  const words = new Int32Array(8).fill(filling);
  const length = Math.min(rest.length, pieceLength);
  for (let at = 0; at < length; at++) {
    const byte = rest[at]!;
    const before = at % 4 === 0 ? filling : words[at >>> 2]!;
    words[at >>> 2] = (characters === 'signed' ? (byte << 24) >> 24 : byte) + (before << 8);
  }
  return words;
}

function transform(state: Int32Array, input: Int32Array): void {
  let [a, b, c, d] = [state[0]!, state[1]!, state[2]!, state[3]!];
  for (const [round, { words, turns, added }] of rounds.entries()) {
    for (const [step, word] of words.entries()) {
      const sum = (a + mix(round, [b, c, d]) + input[word]! + added) | 0;
      const turn = turns[step % 4]!;
      [a, b, c, d] = [d, (sum << turn) | (sum >>> (32 - turn)), b, c];
    }
  }
  state[0] = state[0]! + a;
  state[1] = state[1]! + b;
  state[2] = state[2]! + c;
  state[3] = state[3]! + d;
}

function mix(round: number, [x, y, z]: readonly [number, number, number]): number {
  if (round === 0) return z ^ (x & (y ^ z));
  return round === 1 ? ((x & y) + ((x ^ y) & z)) | 0 : x ^ y ^ z;
}
