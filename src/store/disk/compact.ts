import { closeSync } from 'node:fs';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { PortkitError } from '../../base/errors.ts';
import { discard, syncDirectory, syncFile } from './durable.ts';
import { storeFailure } from './failure.ts';
import { createPack } from './pack.ts';
import { newPackId } from './batch.ts';
import { putInPlace } from './quarantine.ts';
import { readWhole } from './read.ts';
import { digestColumn, findRow } from './rows.ts';
import type { BlobRow } from './rows.ts';
import type { State } from './state.ts';
import { toTrash } from './trash.ts';

/** Packs with less than this part of their bytes in use are written anew. */
const worthKeeping = 0.5;
/** Packs smaller than this are put together. */
const smallPack = 1 << 20;

/** A pack in the index, and how many of its bytes are in use. */
export interface PackUse {
  readonly id: number;
  readonly name: string;
  readonly size: number;
  readonly live: number;
}

/** Gives back the room of blobs that left their packs: empty packs go, thin and small ones are put together. */
export async function compactPacks(state: State, signal: AbortSignal): Promise<void> {
  const packs = packUses(state);
  for (const pack of packs.filter(({ live }) => live === 0)) dropPack(state, pack);
  const thin = packs.filter(({ live, size }) => live > 0 && live < size * worthKeeping);
  const small = packs.filter(({ live, size }) => live >= size * worthKeeping && size < smallPack);
  const chosen = small.length >= 16 ? [...thin, ...small] : thin;
  if (chosen.length === 0) return;
  signal.throwIfAborted();
  await setImmediate();
  await rewritePacks(state, chosen);
  for (const pack of packUses(state).filter(({ live }) => live === 0)) dropPack(state, pack);
}

/** Every pack that the index knows. */
export function packUses(state: State): readonly PackUse[] {
  const sql = `SELECT id, name, packs.size AS size, coalesce(sum(blobs.size), 0) AS live FROM packs
    LEFT JOIN blobs ON blobs.pack = packs.id GROUP BY id ORDER BY id`;
  return state.index
    .sql(sql)
    .all()
    .map((row) => ({ id: Number(row['id']), name: String(row['name']), size: Number(row['size']), live: Number(row['live']) }));
}

/** Writes what is sound in some packs into a new one, and points the rows there; the old files stay. */
export async function rewritePacks(state: State, packs: readonly PackUse[]): Promise<void> {
  const path = state.session().temporary();
  const writer = createPack(path);
  const moved: BlobRow[] = [];
  try {
    for (const { id } of packs) for (const row of rowsOf(state, id)) if (copy(state, row, writer)) moved.push(row);
    if (moved.length === 0) return discard(path);
    const finished = writer.finish();
    await syncFile(writer.fd);
    state.index.write('move blobs to a new pack', () => {
      putInPlace(state, path, join(state.layout.packs, `${finished.name}.pack`));
      syncDirectory(state.layout.packs);
      const id = newPackId(state, finished);
      moved.forEach((row, at) => move(state, row, { id, at: writer.entries[at]?.offset ?? 0 }));
    });
  } catch (error) {
    discard(path);
    throw storeFailure(error, 'write a pack anew');
  } finally {
    closeSync(writer.fd);
  }
}

function rowsOf(state: State, pack: number): readonly BlobRow[] {
  const keys = state.index.sql('SELECT digest FROM blobs WHERE pack = ? ORDER BY at').all(pack);
  return keys.map((key) => findRow(state.index, digestColumn(key['digest']))).filter((row) => row !== undefined);
}

/** Copies a sound blob; a damaged one is quarantined by the reading and stays behind. */
function copy(state: State, row: BlobRow, writer: { add(digest: BlobRow['digest'], bytes: Uint8Array): void }): boolean {
  try {
    const bytes = readWhole(state, row);
    if (bytes !== undefined) writer.add(row.digest, bytes);
    return bytes !== undefined;
  } catch (error) {
    if (error instanceof PortkitError && error.code === 'PK2001') return false;
    throw error;
  }
}

/** Points a row to its new place, unless it has left or moved meanwhile. */
function move(state: State, row: BlobRow, to: { readonly id: number; readonly at: number }): void {
  const key = Buffer.from(row.digest.slice(7), 'hex');
  state.index
    .sql('UPDATE blobs SET pack = ?, at = ? WHERE digest = ? AND pack = ? AND at = ?')
    .run(to.id, to.at, key, row.pack ?? null, row.at);
}

/** Removes a pack that nothing points into any more. */
function dropPack(state: State, pack: PackUse): void {
  state.index.write('drop a pack', () => {
    if (state.index.sql('SELECT 1 FROM blobs WHERE pack = ? LIMIT 1').get(pack.id) !== undefined) return;
    state.index.sql('DELETE FROM packs WHERE id = ?').run(pack.id);
    state.forgetPacks();
    toTrash(state.layout, join(state.layout.packs, `${pack.name}.pack`));
  });
}
