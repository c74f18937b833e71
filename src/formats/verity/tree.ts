import { hash } from 'node:crypto';
import { blockSize, refused } from './options.ts';
import type { VerityParameters } from './options.ts';

const hashSize = 32;
const perBlock = blockSize / hashSize;
const zeros = Buffer.alloc(blockSize);

/** A finished tree: its levels as they are stored, the one with a single block first, and the hash of that block. */
export interface HashTree {
  readonly levels: readonly Buffer[];
  readonly rootHash: string;
}

/** Takes the data in order, in pieces of any size, and then gives the tree over it. */
export interface TreeBuilder {
  add(bytes: Uint8Array): void;
  /** Throws (PK3753) unless the data had as many bytes as told. */
  finish(): HashTree;
}

/** Builds the tree of dm-verity: SHA-256 over the salt and a block, 128 hashes to a block, up to a single one. */
export function buildTree({ blocks, salt }: VerityParameters): TreeBuilder {
  const digest = hasher(salt);
  const zeroBlock = digest(zeros);
  const leaves = levelFor(blocks);
  const partial = Buffer.alloc(blockSize);
  let held = 0;
  let done = 0;

  function block(bytes: Uint8Array): void {
    if (done >= blocks) throw refused(`the data has more than the ${blocks * blockSize} bytes that were told`);
    leaves.set(isZero(bytes) ? zeroBlock : digest(bytes), done++ * hashSize);
  }

  return {
    add(bytes) {
      let at = 0;
      if (held > 0) {
        at = Math.min(blockSize - held, bytes.length);
        partial.set(bytes.subarray(0, at), held);
        held += at;
        if (held < blockSize) return;
        block(partial);
      }
      for (; at + blockSize <= bytes.length; at += blockSize) block(bytes.subarray(at, at + blockSize));
      partial.set(bytes.subarray(at));
      held = bytes.length - at;
    },
    finish() {
      if (done < blocks || held > 0) throw refused(`the data has not the ${blocks * blockSize} bytes that were told`);
      return climb(leaves, blocks, digest);
    },
  };
}

type Digest = (block: Uint8Array) => Buffer;

function hasher(salt: Buffer): Digest {
  const salted = Buffer.alloc(salt.length + blockSize);
  salted.set(salt);
  return (block) => {
    salted.set(block, salt.length);
    return hash('sha256', salted, 'buffer');
  };
}

/** From the hashes of the data up; data of one block has no levels, its hash is the root. */
function climb(leaves: Buffer, blocks: number, digest: Digest): HashTree {
  const levels: Buffer[] = [];
  let hashes = leaves;
  for (let count = blocks; count > 1; count = Math.ceil(count / perBlock)) {
    levels.unshift(hashes);
    const upper = levelFor(hashes.length / blockSize);
    for (let at = 0; at < hashes.length; at += blockSize) upper.set(digest(hashes.subarray(at, at + blockSize)), at / perBlock);
    hashes = upper;
  }
  return { levels, rootHash: hashes.toString('hex', 0, hashSize) };
}

/** Whole blocks for this many hashes. */
function levelFor(hashes: number): Buffer {
  return Buffer.alloc(Math.ceil(hashes / perBlock) * blockSize);
}

function isZero(block: Uint8Array): boolean {
  return block[0] === 0 && block[blockSize - 1] === 0 && Buffer.compare(block, zeros) === 0;
}
