import { readdirSync, statSync, statfsSync } from 'node:fs';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import type { Digest } from '../../base/digest.ts';
import type { CollectOptions, Collected } from '../store.ts';
import { allActions, allTags } from './actions.ts';
import { compactPacks } from './compact.ts';
import { discard } from './durable.ts';
import { storeFailure } from './failure.ts';
import { allHolds, oldestEra } from './leases.ts';
import { markFrom } from './mark.ts';
import { loosePath } from './quarantine.ts';
import { rewriteUnderLock } from './rebuild.ts';
import { allRows, blobKey, dropRow, findRow } from './rows.ts';
import type { BlobRow } from './rows.ts';
import { reapSessions } from './session.ts';
import type { State } from './state.ts';
import { emptyTrash, toTrash } from './trash.ts';

/** What a mark decided: the rows and records to take out. */
interface Plan {
  readonly blobs: readonly BlobRow[];
  readonly actions: readonly Digest[];
}

const month = 30 * 24 * 3_600_000;

/** Marks from tags, leases and the records worth keeping; takes out the rest through the trash. */
export async function collect(state: State, options: CollectOptions, signal: AbortSignal): Promise<Collected> {
  try {
    return await markAndSweep(state, options, signal);
  } catch (error) {
    throw signal.aborted ? signal.reason : storeFailure(error, 'collect what is not needed');
  }
}

async function markAndSweep(state: State, options: CollectOptions, signal: AbortSignal): Promise<Collected> {
  if (options.dryRun !== true) reapSessions(state.layout, state.index);
  const plan = makePlan(state, options);
  const bytes = plan.blobs.reduce((sum, row) => sum + row.size, 0);
  if (options.dryRun === true) return { blobs: plan.blobs.length, records: plan.actions.length, bytes };
  state.session();
  if (plan.actions.length > 0) state.index.write('drop records', () => dropActions(state, plan.actions));
  let blobs = 0;
  let freed = 0;
  for (let at = 0; at < plan.blobs.length; at += 1000) {
    signal.throwIfAborted();
    const gone = state.index.write('collect blobs', () => plan.blobs.slice(at, at + 1000).filter((row) => takeOut(state, row)));
    blobs += gone.length;
    freed += gone.reduce((sum, row) => sum + row.size, 0);
    await setImmediate();
  }
  await compactPacks(state, signal);
  dropOldStats(state);
  await emptyTrash(state.layout);
  return { blobs, records: plan.actions.length, bytes: freed };
}

/** Stats of directories that nobody has looked at for a month; looking again only costs reading them once. */
function dropOldStats({ layout, host }: State): void {
  for (const name of readdirSync(layout.stat)) {
    const path = join(layout.stat, name);
    const stat = statSync(path, { throwIfNoEntry: false });
    if (stat !== undefined && stat.mtimeMs < host.now() - month) discard(path);
  }
}

function makePlan(state: State, options: CollectOptions): Plan {
  const rows = [...allRows(state.index)].toSorted((a, b) => b.used - a.used);
  const live = new Set<Digest>();
  let size = 0;
  const keepSince = options.keep === undefined ? undefined : state.host.now() - options.keep;
  const budget = budgetOf(state, rows, options);
  function keep(digests: readonly Digest[]): void {
    for (const digest of digests) {
      if (live.has(digest)) continue;
      live.add(digest);
      size += findRow(state.index, digest)?.size ?? 0;
    }
  }
  /** Without any wish, only what no record, tag or lease leads to goes. */
  function worthKeeping(usedAt: number, extra: number, byDefault: boolean): boolean {
    if (keepSince !== undefined && usedAt >= keepSince) return true;
    if (budget !== undefined) return size + extra <= budget;
    return keepSince === undefined && byDefault;
  }
  keep(markFrom(state, [...allTags(state).map((tag) => tag.ref), ...allHolds(state)], live));
  const eras = oldestEra(state);
  keep(rows.filter((row) => row.era >= eras).map((row) => row.digest));
  const actions: Digest[] = [];
  for (const record of allActions(state)) {
    const closure = markFrom(state, record.outputs, live);
    const extra = closure.reduce((sum, digest) => sum + (findRow(state.index, digest)?.size ?? 0), 0);
    if (worthKeeping(record.usedAt, extra, true)) keep(closure);
    else actions.push(record.key);
  }
  const blobs = rows.filter((row) => {
    if (live.has(row.digest)) return false;
    if (!worthKeeping(row.used, row.size, false)) return true;
    keep([row.digest]);
    return false;
  });
  return { blobs, actions };
}

/** The bytes that may stay: the smaller of the wished size and what leaves the wished free space. */
function budgetOf(state: State, rows: readonly BlobRow[], options: CollectOptions): number | undefined {
  const wishes: number[] = [];
  if (options.maxSize !== undefined) wishes.push(options.maxSize);
  if (options.minFree !== undefined) {
    const disk = statfsSync(state.layout.directory);
    const total = rows.reduce((sum, row) => sum + row.size, 0);
    wishes.push(Math.max(0, total - Math.max(0, options.minFree - disk.bavail * disk.bsize)));
  }
  return wishes.length === 0 ? undefined : Math.min(...wishes);
}

/** Takes one blob out, unless somebody has claimed, moved or held it since the mark; the caller holds the write lock. */
function takeOut(state: State, marked: BlobRow): boolean {
  const row = findRow(state.index, marked.digest);
  if (row === undefined || row.era !== marked.era || row.at !== marked.at || row.pack !== marked.pack) return false;
  if (state.index.sql('SELECT 1 FROM holds WHERE digest = ?').get(blobKey(row.digest)) !== undefined) return false;
  dropRow(state.index, row.digest);
  if (row.pack === undefined) toTrash(state.layout, loosePath(state, row.digest));
  return true;
}

/** The records go, and the journal is written anew with what is left; the caller holds the write lock. */
function dropActions(state: State, keys: readonly Digest[]): void {
  for (const key of keys) state.index.sql('DELETE FROM actions WHERE key = ?').run(blobKey(key));
  rewriteUnderLock(state);
}
