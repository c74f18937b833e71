import { readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import type { BigIntStats, Stats } from 'node:fs';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import { digestFromHex, digestOf, hexOf } from '../../base/digest.ts';
import type { Digest } from '../../base/digest.ts';

/** What is remembered of one inode: what the kernel changes whenever content or attributes change. */
export type Seen = readonly [dev: number, ino: number, mode: number, size: number, mtimeMs: number, ctimeMs: number];

/** One path of a taken directory, relative to it (bytes as latin1; '' is the directory itself). */
export interface SeenPath {
  readonly path: string;
  readonly seen: Seen;
  /** The content of a regular file. */
  readonly content?: Digest;
}

/** A directory as it was when it was last taken. */
export interface Remembered {
  readonly tree: Digest;
  readonly files: number;
  readonly bytes: number;
  /** The store's generation then: while it stands still, everything that the tree names is still there. */
  readonly generation: number;
  readonly paths: readonly string[];
  /** `Seen` of each path, six numbers in a row. */
  readonly seen: Float64Array;
  content(index: number): Digest | undefined;
}

/** Remembers stats and digests of taken directories, so that an unchanged one costs stats only. */
export interface StatCache {
  load(key: string): Remembered | undefined;
  save(key: string, what: Omit<Remembered, 'paths' | 'seen' | 'content'>, paths: readonly SeenPath[]): void;
  /**
   * The file system's own idea of now. What changed at this time or later may change again without its times moving
   * (git's "racy clean"), so it is not trusted.
   */
  stamp(): number;
}

/** Numbers of one `Seen`. */
export const seenWidth = 6;

const magic = Buffer.from('PKSTAT1\n');
const header = 8 + 4 + 4 + 3 * 8 + 32;

/**
 * A stat cache in a folder. A file that is damaged or of another version is passed over, nothing is synced, and a folder that
 * cannot be written only means that files are read again.
 */
export function createStatCache(folder: string): StatCache {
  const fileOf = (key: string): string => join(folder, hexOf(digestOf(key)));
  const probe = (): string => join(folder, `now-${process.pid}`);
  return {
    load(key) {
      let bytes: Buffer;
      try {
        bytes = readFileSync(fileOf(key));
      } catch {
        return undefined;
      }
      return decode(bytes);
    },
    save(key, what, paths) {
      try {
        writeFileSync(probe(), encode(what, paths), { mode: 0o600 });
        renameSync(probe(), fileOf(key));
      } catch {
        rmSync(probe(), { force: true });
      }
    },
    stamp() {
      try {
        writeFileSync(probe(), '', { mode: 0o600 });
        return statSync(probe()).mtimeMs;
      } catch {
        return 0;
      }
    },
  };
}

/** What is remembered of an inode that was just looked at. */
export function seenOf(stat: BigIntStats): Seen {
  const ms = (ns: bigint): number => Number(ns / 1_000_000_000n) * 1000 + Number(ns % 1_000_000_000n) / 1e6;
  return [Number(stat.dev), Number(stat.ino), Number(stat.mode), Number(stat.size), ms(stat.mtimeNs), ms(stat.ctimeNs)];
}

/** Whether an inode is as it was remembered at a position. */
export function isSeen(seen: Float64Array, index: number, stat: Stats): boolean {
  const at = index * seenWidth;
  return (
    seen[at + 5] === stat.ctimeMs &&
    seen[at + 4] === stat.mtimeMs &&
    seen[at + 3] === stat.size &&
    seen[at + 2] === stat.mode &&
    seen[at + 1] === stat.ino &&
    seen[at] === stat.dev
  );
}

function encode(what: Omit<Remembered, 'paths' | 'seen' | 'content'>, paths: readonly SeenPath[]): Buffer {
  const names = Buffer.from(paths.map(({ path }) => path).join('\0'), 'latin1');
  const columns = paths.length * seenWidth * 8;
  const bytes = Buffer.alloc(header + columns + paths.length * 32 + names.length);
  magic.copy(bytes);
  bytes.writeUInt32LE(paths.length, 12);
  [what.generation, what.files, what.bytes].forEach((value, index) => bytes.writeDoubleLE(value, 16 + index * 8));
  bytes.write(hexOf(what.tree), 40, 'hex');
  const seen = new Float64Array(paths.flatMap(({ seen }) => seen));
  Buffer.from(seen.buffer).copy(bytes, header);
  paths.forEach(({ content }, index) => content && bytes.write(hexOf(content), header + columns + index * 32, 'hex'));
  names.copy(bytes, header + columns + paths.length * 32);
  bytes.writeUInt32LE(crc32(bytes.subarray(12)), 8);
  return bytes;
}

function decode(bytes: Buffer): Remembered | undefined {
  if (bytes.length < header || !bytes.subarray(0, 8).equals(magic)) return undefined;
  if (bytes.readUInt32LE(8) !== crc32(bytes.subarray(12))) return undefined;
  const count = bytes.readUInt32LE(12);
  const contents = header + count * seenWidth * 8;
  const [generation, files, size] = [bytes.readDoubleLE(16), bytes.readDoubleLE(24), bytes.readDoubleLE(32)];
  return {
    tree: digestFromHex(bytes.toString('hex', 40, 72)),
    generation,
    files,
    bytes: size,
    paths: bytes.toString('latin1', contents + count * 32).split('\0'),
    seen: new Float64Array(bytes.buffer.slice(bytes.byteOffset + header, bytes.byteOffset + contents)),
    content(index) {
      const hex = bytes.toString('hex', contents + index * 32, contents + index * 32 + 32);
      return hex === '0'.repeat(64) ? undefined : digestFromHex(hex);
    },
  };
}
