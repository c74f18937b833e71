import { lstatSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Usage } from '../store.ts';
import type { Layout } from './layout.ts';

const kinds: Readonly<Record<string, Usage['kind']>> = {
  blobs: 'blobs',
  packs: 'packs',
  records: 'records',
  stat: 'stat-cache',
  sessions: 'sessions',
  trash: 'trash',
  quarantine: 'quarantine',
  'index.db': 'index',
  'index.db-wal': 'index',
  'index.db-shm': 'index',
};

/** What the store takes of the disk, by kind: the blocks the file system gave it, so the sum is what `du` says. */
export function usageOf(layout: Layout): readonly Usage[] {
  const sums = new Map<Usage['kind'], { files: number; bytes: number }>();
  function add(kind: Usage['kind'], files: number, bytes: number): void {
    const sum = sums.get(kind) ?? { files: 0, bytes: 0 };
    sums.set(kind, { files: sum.files + files, bytes: sum.bytes + bytes });
  }
  add('other', 0, lstatSync(layout.directory).blocks * 512);
  for (const name of readdirSync(layout.directory)) {
    const { files, bytes } = measure(join(layout.directory, name));
    add(kinds[name] ?? 'other', files, bytes);
  }
  return [...sums].map(([kind, sum]) => ({ kind, ...sum })).toSorted((a, b) => b.bytes - a.bytes);
}

function measure(path: string): { readonly files: number; readonly bytes: number } {
  const stat = lstatSync(path, { throwIfNoEntry: false });
  if (stat === undefined) return { files: 0, bytes: 0 };
  if (!stat.isDirectory()) return { files: 1, bytes: stat.blocks * 512 };
  const inside = readdirSync(path).map((name) => measure(join(path, name)));
  return {
    files: inside.reduce((sum, one) => sum + one.files, 0),
    bytes: inside.reduce((sum, one) => sum + one.bytes, stat.blocks * 512),
  };
}
