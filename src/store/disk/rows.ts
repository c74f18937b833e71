import type { Digest } from '../../base/digest.ts';
import { digestFromHex, hexOf } from '../../base/digest.ts';
import type { Index } from './index-db.ts';

/** Where a blob is: in a pack at an offset, or (no pack) in a file of its own. */
export interface BlobRow {
  readonly digest: Digest;
  readonly size: number;
  readonly pack: number | undefined;
  readonly at: number;
  readonly used: number;
  readonly era: number;
}

/** A digest as the index keeps it. */
export function blobKey(digest: Digest): Buffer {
  return Buffer.from(hexOf(digest), 'hex');
}

/** A digest back from a column. */
export function digestColumn(value: unknown): Digest {
  if (!(value instanceof Uint8Array)) throw new Error('A digest column does not hold bytes');
  return digestFromHex(Buffer.from(value).toString('hex'));
}

/** The row of a blob. */
export function findRow(index: Index, digest: Digest): BlobRow | undefined {
  const row = index.sql('SELECT * FROM blobs WHERE digest = ?').get(blobKey(digest));
  return row === undefined ? undefined : toRow(row);
}

/** Every row, in digest order; read in pages so that writers are not held up. */
export function* allRows(index: Index): Generator<BlobRow> {
  let after: Uint8Array = Buffer.alloc(0);
  for (;;) {
    const page = index.sql('SELECT * FROM blobs WHERE digest > ? ORDER BY digest LIMIT 5000').all(after);
    for (const row of page) yield toRow(row);
    const last = page.at(-1)?.['digest'];
    if (!(last instanceof Uint8Array)) return;
    after = last;
  }
}

/** Puts a blob's row, or moves it to its new place; the caller holds the write lock. */
export function putRow(index: Index, row: Omit<BlobRow, 'era'>): void {
  index
    .sql(
      `INSERT INTO blobs VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (digest) DO UPDATE SET size = excluded.size,
       pack = excluded.pack, at = excluded.at, used = max(used, excluded.used), era = excluded.era`,
    )
    .run(blobKey(row.digest), row.size, row.pack ?? null, row.at, row.used, index.number('era'));
}

/** Marks a blob that was found here as in use by the running sessions; the caller holds the write lock. */
export function claimRow(index: Index, digest: Digest, now: number): boolean {
  const sql = "UPDATE blobs SET era = (SELECT value FROM meta WHERE name = 'era'), used = max(used, ?) WHERE digest = ?";
  return Number(index.sql(sql).run(now, blobKey(digest)).changes) > 0;
}

/** Takes a blob out of the index; what was here is then no longer certain to be, so the generation grows. */
export function dropRow(index: Index, digest: Digest): void {
  index.sql('DELETE FROM blobs WHERE digest = ?').run(blobKey(digest));
  index.bump('generation');
}

function toRow(row: Record<string, unknown>): BlobRow {
  const pack = row['pack'];
  return {
    digest: digestColumn(row['digest']),
    size: Number(row['size']),
    pack: typeof pack === 'number' ? pack : undefined,
    at: Number(row['at']),
    used: Number(row['used']),
    era: Number(row['era']),
  };
}
