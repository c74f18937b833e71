import { lstatSync, readdirSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { digestFromHex } from '../../base/digest.ts';
import type { Digest } from '../../base/digest.ts';
import { PortkitError, systemCode } from '../../base/errors.ts';
import { allActions, allTags, putAction, putTag } from './actions.ts';
import { newPackId } from './batch.ts';
import type { Layout } from './layout.ts';
import { readPackTable } from './pack.ts';
import type { PackEntry } from './pack.ts';
import { isOtherKind } from './plain-file.ts';
import { moveAway } from './quarantine.ts';
import { appendRecords, readRecords, recordFiles } from './records.ts';
import { findRow, putRow } from './rows.ts';
import type { State } from './state.ts';
import { toTrash } from './trash.ts';

/** What a rebuilt index holds. */
export interface Rebuilt {
  readonly blobs: number;
  readonly records: number;
  readonly tags: number;
}

/**
 * Makes the index anew from blobs, packs and records: the index is a cache. Contents are not read here (every read
 * verifies them anyway); a damaged pack or record file is moved to the quarantine and the rest goes on.
 */
export function rebuildIndex(state: State): Rebuilt {
  return state.index.write('rebuild the index', () => {
    state.index.sql('DELETE FROM blobs').run();
    state.index.sql('DELETE FROM actions').run();
    state.index.sql('DELETE FROM tags').run();
    state.index.sql('DELETE FROM packs').run();
    state.index.bump('generation');
    for (const name of readdirSync(state.layout.packs)) addPack(state, name, () => true);
    for (const name of readdirSync(state.layout.blobs)) addLoose(state, name);
    for (const name of recordFiles(state)) addRecords(state, name);
    return { blobs: count(state, 'blobs'), records: count(state, 'actions'), tags: count(state, 'tags') };
  });
}

function packName(file: string): string | undefined {
  return /^([0-9a-f]{64})\.pack$/.exec(file)?.[1];
}

/** Takes the `wanted` blobs of a pack into the index. */
function addPack(state: State, file: string, wanted: (digest: Digest) => boolean): void {
  const path = join(state.layout.packs, file);
  const name = packName(file);
  const entries = name === undefined ? undefined : soundTable(state, path, file);
  if (entries === undefined || name === undefined) return;
  const id = newPackId(state, { name, size: lstatSync(path).size });
  const used = state.host.now();
  for (const { digest, size, offset } of entries) {
    if (wanted(digest)) putRow(state.index, { digest, size, pack: id, at: offset, used });
  }
}

function soundTable(state: State, path: string, file: string): readonly PackEntry[] | undefined {
  try {
    return readPackTable(path);
  } catch (error) {
    if (!isDamage(error)) throw error;
    moveAway(state, path, file);
    return undefined;
  }
}

function addLoose(state: State, name: string): void {
  const stat = lstatSync(join(state.layout.blobs, name));
  if (!/^[0-9a-f]{64}$/.test(name) || !stat.isFile()) return;
  putRow(state.index, { digest: digestFromHex(name), size: stat.size, pack: undefined, at: 0, used: state.host.now() });
}

/** Takes a pack that the index does not know into it, or out of the way when it is damaged or none of ours. */
export function adoptPack(state: State, name: string): void {
  state.index.write('adopt a pack', () => {
    if (packName(name) === undefined) moveAway(state, join(state.layout.packs, name), name);
    else addPack(state, name, (digest) => findRow(state.index, digest) === undefined);
  });
}

/** Takes a file that no row knows into the index, or out of the way when it is none of ours. */
export function adoptLoose(state: State, name: string): void {
  state.index.write('adopt a blob', () => {
    if (/^[0-9a-f]{64}$/.test(name) && lstatSync(join(state.layout.blobs, name)).isFile()) addLoose(state, name);
    else moveAway(state, join(state.layout.blobs, name), name);
  });
}

function addRecords(state: State, name: string): void {
  try {
    for (const line of readRecords(state, name)) {
      if (line.type === 'tag') putTag(state, line.name, line.ref);
      else putAction(state, line, state.host.now());
    }
  } catch (error) {
    if (!isDamage(error)) throw error;
    moveAway(state, join(state.layout.records, name), name);
  }
  state.index.setNumber('sequence', Math.max(state.index.number('sequence'), Number(name.slice(0, 12))));
}

/** Writes all records into one new file, and throws the old files away once it is durable. */
export function rewriteJournal(state: State): void {
  state.session();
  state.index.write('rewrite the records', () => rewriteUnderLock(state));
}

/** The same for a caller that holds the write lock. */
export function rewriteUnderLock(state: State): void {
  const old = recordFiles(state);
  const actions = allActions(state).map(({ key, outputs, detail }) => ({ type: 'action', key, outputs, detail }) as const);
  const tags = allTags(state).map(({ name, ref }) => ({ type: 'tag', name, ref }) as const);
  appendRecords(state, [...actions, ...tags]);
  for (const name of old) toTrash(state.layout, join(state.layout.records, name));
}

/** Moves an index that cannot be opened out of the way, with the files SQLite keeps beside it. */
export function setIndexAside(layout: Layout): void {
  for (const suffix of ['', '-wal', '-shm']) {
    try {
      renameSync(layout.index + suffix, join(layout.quarantine, `index.db${suffix}.${readdirSync(layout.quarantine).length}`));
    } catch (error) {
      if (systemCode(error) !== 'ENOENT') throw error;
    }
  }
}

function isDamage(error: unknown): boolean {
  return (error instanceof PortkitError && error.code === 'PK2001') || isOtherKind(error);
}

function count(state: State, table: 'blobs' | 'actions' | 'tags'): number {
  return Number(state.index.sql(`SELECT count(*) AS n FROM ${table}`).get()?.['n']);
}
