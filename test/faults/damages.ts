import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, readFileSync, readdirSync, rmSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** What becomes of files: each is done to one file, with the bytes of another object of its kind at hand. */
export const damages: Readonly<Record<string, (path: string, other: Uint8Array) => void>> = {
  'a flipped bit': (path) => flip(path, 0.4),
  'a flipped bit at the end': (path) => flip(path, 1),
  'a truncated file': (path) => {
    chmodSync(path, 0o600);
    truncateSync(path, Math.floor(readFileSync(path).length / 2));
  },
  'an empty file': (path) => overwrite(path, Buffer.alloc(0)),
  'a zeroed file': (path) => overwrite(path, Buffer.alloc(readFileSync(path).length)),
  'an extended file': (path) => overwrite(path, Buffer.concat([readFileSync(path), Buffer.from('x')])),
  "another object's bytes": overwrite,
  'a folder in its place': (path) => {
    rmSync(path, { recursive: true });
    mkdirSync(path);
  },
  'a symlink to another object': (path, other) => {
    rmSync(path, { recursive: true });
    const elsewhere = join(path, '../../../elsewhere');
    writeFileSync(elsewhere, other);
    symlinkSync(elsewhere, path);
  },
  'a symlink to itself': (path) => {
    rmSync(path, { recursive: true });
    symlinkSync(path, path);
  },
  'a fifo in its place': (path) => {
    rmSync(path, { recursive: true });
    execFileSync('mkfifo', [path]);
  },
};

/** Flips a bit of every blob and every pack of a store. */
export function damageAll(root: string): void {
  for (const folder of ['v1/blobs/sha256', 'v1/packs']) {
    for (const name of readdirSync(join(root, folder))) flip(join(root, folder, name), 0.3);
  }
}

function flip(path: string, part: number): void {
  const bytes = readFileSync(path);
  const at = Math.floor((bytes.length - 1) * part);
  bytes[at] = (bytes[at] ?? 0) ^ 1;
  overwrite(path, bytes);
}

function overwrite(path: string, bytes: Uint8Array): void {
  chmodSync(path, 0o600);
  writeFileSync(path, bytes);
}
