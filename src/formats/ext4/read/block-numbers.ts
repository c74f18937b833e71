import type { FileSystem } from './file-system.ts';
import { isDataBlock, readBlock } from './file-system.ts';
import type { Inode } from './inode.ts';
import type { Piece } from './piece.ts';
import type { Report } from './report.ts';

const direct = 12;

/** What a walk through one map carries with it. */
interface Walk {
  readonly fs: FileSystem;
  readonly report: (what: string) => void;
  /** Blocks of the map that were entered: none may come twice, or small images would be endless. */
  readonly entered: Set<number>;
}

/** Walks the block numbers of an inode without extents: twelve direct ones, then trees one, two and three levels deep. */
export function* walkBlockNumbers(fs: FileSystem, inode: Inode, report: Report): Generator<Piece> {
  const walk = { fs, report: (what: string) => report({ kind: 'inode', inode: inode.number }, what), entered: new Set<number>() };
  yield* numbersIn(walk, inode.map.subarray(0, direct * 4), { level: 0, logical: 0 });
  const perBlock = fs.geometry.blockSize / 4;
  let logical = direct;
  for (let level = 1; level <= 3; level++) {
    const at = (direct + level - 1) * 4;
    yield* numbersIn(walk, inode.map.subarray(at, at + 4), { level, logical });
    logical += perBlock ** level;
  }
}

/** Numbers of blocks that are `level` levels above the content, which begins at the logical block `logical`. */
function* numbersIn(
  walk: Walk,
  bytes: Uint8Array,
  { level, logical }: { readonly level: number; readonly logical: number },
): Generator<Piece> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const step = (walk.fs.geometry.blockSize / 4) ** level;
  let run = { logical: 0, block: 0, count: 0 };
  for (let index = 0; index * 4 < bytes.length; index++) {
    const block = view.getUint32(index * 4, true);
    const here = logical + index * step;
    if (block === 0) continue;
    if (!isDataBlock(walk.fs, block)) {
      walk.report(`its block ${String(here)} lies outside of the image`);
    } else if (level > 0) {
      yield* below(walk, block, { level: level - 1, logical: here });
    } else if (run.count > 0 && block === run.block + run.count && here === run.logical + run.count) {
      run.count += 1;
    } else {
      if (run.count > 0) yield { kind: 'data', ...run, written: true };
      run = { logical: here, block, count: 1 };
    }
  }
  if (run.count > 0) yield { kind: 'data', ...run, written: true };
}

function* below(walk: Walk, block: number, place: { readonly level: number; readonly logical: number }): Generator<Piece> {
  if (walk.entered.has(block)) {
    walk.report(`block ${String(block)} of its map comes twice`);
    return;
  }
  walk.entered.add(block);
  yield { kind: 'map', block };
  yield* numbersIn(walk, readBlock(walk.fs, block), place);
}
