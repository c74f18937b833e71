import { parentPort } from 'node:worker_threads';
import { openHostDirectory } from '../store/host/host-directory.ts';
import { openerBelow, readSeen } from './open-below.ts';
import type { ReadAheadJob } from './read-ahead.ts';
import { claim, fill, placeOf } from './ring.ts';

/** The thread that reads files before they are asked for. What it cannot read it leaves to who asks, and to the error there. */
function readAll({ directory, paths, seen, ring }: ReadAheadJob): void {
  using root = openHostDirectory(directory);
  using opener = openerBelow(root);
  const names = paths.split('\0');
  for (let file = claim(ring, names.length); file !== undefined; file = claim(ring, names.length)) {
    const size = Number(seen[4 * file + 2]);
    const was = { dev: seen[4 * file] ?? 0n, ino: seen[4 * file + 1] ?? 0n, size, ctimeNs: seen[4 * file + 3] ?? 0n };
    const path = names[file] ?? '';
    try {
      const bytes = readSeen(opener, { path, seen: was }, placeOf(ring, file));
      if (bytes.length === size) fill(ring, file);
    } catch {
      continue;
    }
  }
}

parentPort?.once('message', readAll);
