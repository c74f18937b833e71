import type { Contents } from '../../file-tree.ts';
import type { FileSystem } from './file-system.ts';
import type { Inode } from './inode.ts';
import { inodeTable, parseInode } from './inode.ts';
import { piecesOf } from './map.ts';
import { refuseDamage } from './report.ts';

/** Files up to this size are given at once. */
const small = 2 ** 18;
const pieceSize = 2 ** 20;
const zeros = new Uint8Array(pieceSize);

/** The content of files by the number of their inode, as the entries of the tree name it. */
export function contentsOf(fs: FileSystem): Contents {
  const table = inodeTable(fs);
  return {
    open(content, signal) {
      const bytes = table(Number(content)) ?? refuseDamage({ kind: 'inode', inode: Number(content) }, 'there is no such inode');
      const inode = parseInode(Number(content), Uint8Array.from(bytes));
      return inode.size <= small ? wholeContent(fs, inode) : streamContent(fs, inode, signal);
    },
  };
}

/** All bytes of an inode whose size was looked at. */
export function wholeContent(fs: FileSystem, inode: Inode): Uint8Array {
  const whole = new Uint8Array(inode.size);
  for (const { position, at, length } of spansOf(fs, inode)) whole.set(fs.image.read(at, length), position);
  return whole;
}

async function* streamContent(fs: FileSystem, inode: Inode, signal: AbortSignal): AsyncGenerator<Uint8Array> {
  let given = 0;
  for (const { position, at, length } of spansOf(fs, inode)) {
    yield* zerosUpTo(position);
    for (let done = 0; done < length;) {
      signal.throwIfAborted();
      const part = fs.image.read(at + done, Math.min(pieceSize, length - done));
      done += part.length;
      given += part.length;
      yield part;
    }
  }
  yield* zerosUpTo(inode.size);

  function* zerosUpTo(position: number): Generator<Uint8Array> {
    while (given < position) {
      signal.throwIfAborted();
      const part = zeros.subarray(0, Math.min(pieceSize, position - given));
      given += part.length;
      yield part;
    }
  }
}

/** Bytes of a file that are stored, as a place in the file and one in the image; everything else reads as zeros. */
interface Span {
  readonly position: number;
  readonly at: number;
  readonly length: number;
}

function* spansOf(fs: FileSystem, inode: Inode): Generator<Span> {
  const { blockSize } = fs.geometry;
  for (const piece of piecesOf(fs, inode, refuseDamage)) {
    if (piece.kind === 'map' || !piece.written) continue;
    const position = piece.logical * blockSize;
    const length = Math.min(piece.count * blockSize, inode.size - position);
    if (length > 0) yield { position, at: piece.block * blockSize, length };
  }
}
