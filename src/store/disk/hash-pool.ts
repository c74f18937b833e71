import { setImmediate } from 'node:timers/promises';
import { hashPieces } from './hash-pieces.ts';
import type { BadPiece, Piece } from './hash-pieces.ts';
import { answerOf, startHashThread } from './hash-thread.ts';

/** Below this many bytes a second thread costs more than it saves (a worker starts in about 35 ms). */
const worthAThread = 64 << 20;
/** Pieces hashed between two looks at the signal. */
const slice = 16 << 20;

/** Hashes pieces on `threads` threads, never holding up the event loop for long; answers what is wrong. */
export async function hashAll(pieces: readonly Piece[], threads: number, signal: AbortSignal): Promise<readonly BadPiece[]> {
  const total = pieces.reduce((sum, piece) => sum + piece.size, 0);
  if (total < worthAThread) return hashHere(pieces, signal);
  const shares = share(pieces, Math.max(1, threads));
  const results = await Promise.all(
    shares.map((pieces) => answerOf(startHashThread({ kind: 'pieces', pieces }), 'pieces', signal)),
  );
  return results.flat();
}

async function hashHere(pieces: readonly Piece[], signal: AbortSignal): Promise<readonly BadPiece[]> {
  const bad: BadPiece[] = [];
  let start = 0;
  let bytes = 0;
  for (let at = 0; at < pieces.length; at += 1) {
    bytes += pieces[at]?.size ?? 0;
    if (bytes < slice && at < pieces.length - 1) continue;
    signal.throwIfAborted();
    bad.push(...hashPieces(pieces.slice(start, at + 1)));
    start = at + 1;
    bytes = 0;
    await setImmediate();
  }
  return bad;
}

/** Splits by bytes: the largest pieces first, each to the thread that has least to do; a pack's pieces stay in order. */
function share(pieces: readonly Piece[], threads: number): readonly (readonly Piece[])[] {
  const shares = Array.from({ length: threads }, () => ({ bytes: 0, pieces: [] as Piece[] }));
  const byFile = new Map<string, Piece[]>();
  for (const piece of pieces) {
    const chunk = `${piece.path}:${Math.floor(piece.offset / slice)}`;
    const list = byFile.get(chunk);
    if (list === undefined) byFile.set(chunk, [piece]);
    else list.push(piece);
  }
  const sized = [...byFile.values()].map((list) => ({ list, bytes: list.reduce((sum, piece) => sum + piece.size, 0) }));
  for (const { list, bytes } of sized.toSorted((a, b) => b.bytes - a.bytes)) {
    const least = shares.reduce((a, b) => (b.bytes < a.bytes ? b : a));
    least.bytes += bytes;
    least.pieces.push(...list);
  }
  return shares.map((one) => one.pieces).filter((list) => list.length > 0);
}
