import { createHash } from 'node:crypto';
import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { systemCode } from '../../base/errors.ts';
import { isOtherKind, plainFile } from './plain-file.ts';

/** A stretch of a file that must hash to `hex`. */
export interface Piece {
  readonly path: string;
  readonly offset: number;
  readonly size: number;
  readonly hex: string;
  /** The piece is the whole file: what stands behind it is damage too. */
  readonly whole: boolean;
}

/** A piece that is not what it should be. */
export interface BadPiece {
  readonly hex: string;
  readonly problem: 'corrupt' | 'missing' | 'unreadable';
  readonly detail: string;
}

/** Hashes pieces one after another with plain synchronous reads (2–3 × the speed of streams); answers the bad ones. */
export function hashPieces(pieces: readonly Piece[]): readonly BadPiece[] {
  const buffer = Buffer.allocUnsafe(1 << 18);
  const bad: BadPiece[] = [];
  let open: { readonly path: string; readonly fd: number } | undefined;
  for (const piece of pieces) {
    try {
      if (open?.path !== piece.path) {
        if (open !== undefined) closeSync(open.fd);
        open = undefined;
        open = { path: piece.path, fd: openSync(piece.path, plainFile) };
      }
      const detail = check(open.fd, piece, buffer);
      if (detail !== undefined) bad.push({ hex: piece.hex, problem: 'corrupt', detail });
    } catch (error) {
      bad.push({ hex: piece.hex, ...problemOf(error) });
    }
  }
  if (open !== undefined) closeSync(open.fd);
  return bad;
}

function check(fd: number, piece: Piece, buffer: Buffer): string | undefined {
  if (piece.whole) {
    const stat = fstatSync(fd);
    if (!stat.isFile()) return 'not a regular file';
    if (stat.size !== piece.size) return `has ${stat.size} bytes instead of ${piece.size}`;
  }
  const hash = createHash('sha256');
  for (let done = 0; done < piece.size;) {
    const read = readSync(fd, buffer, 0, Math.min(buffer.length, piece.size - done), piece.offset + done);
    if (read === 0) return `ends after ${done} of ${piece.size} bytes`;
    hash.update(buffer.subarray(0, read));
    done += read;
  }
  return hash.digest('hex') === piece.hex ? undefined : 'its bytes have another digest';
}

function problemOf(error: unknown): Pick<BadPiece, 'problem' | 'detail'> {
  const code = systemCode(error) ?? 'an unknown error';
  if (code === 'ENOENT') return { problem: 'missing', detail: 'its file is gone' };
  if (isOtherKind(error)) return { problem: 'corrupt', detail: 'not a regular file' };
  return { problem: 'unreadable', detail: `cannot be read: ${code}` };
}
