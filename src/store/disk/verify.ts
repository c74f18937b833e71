import { readdirSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { digestFromHex, hexOf } from '../../base/digest.ts';
import type { Finding, Verified } from '../store.ts';
import { allActions, allTags } from './actions.ts';
import type { BadPiece, Piece } from './hash-pieces.ts';
import { hashAll } from './hash-pool.ts';
import { checkOrphanPacks, checkPacks, problemOf } from './verify-packs.ts';
import { loosePath, moveAway, quarantine } from './quarantine.ts';
import { adoptLoose, rewriteJournal } from './rebuild.ts';
import { readRecords, recordFiles } from './records.ts';
import { allRows, blobKey, dropRow, findRow } from './rows.ts';
import type { BlobRow } from './rows.ts';
import type { State } from './state.ts';

interface VerifyOptions {
  readonly repair?: boolean;
  readonly subset?: readonly [part: number, of: number];
}

/** Looks at every stored object (or every n-th part of the digests) and says what is wrong; repairs when asked. */
export async function verify(state: State, options: VerifyOptions, signal: AbortSignal): Promise<Verified> {
  const [part, of] = options.subset ?? [1, 1];
  const rows = [...allRows(state.index)].filter((row) => Number.parseInt(hexOf(row.digest).slice(0, 8), 16) % of === part - 1);
  const pieces = piecesOf(state, rows);
  const bad = await hashAll(pieces, Math.min(availableParallelism(), 8), signal);
  const repair = options.repair === true && !state.index.readOnly;
  const findings: Finding[] = bad.map((piece) => reportBlob(state, piece, repair));
  findings.push(
    ...(await checkPacks(state, repair)),
    ...checkRecords(state, repair),
    ...checkTags(state),
    ...checkActions(state, repair),
  );
  findings.push(...checkOrphans(state, repair), ...checkOrphanPacks(state, repair));
  return { checked: pieces.length, bytes: pieces.reduce((sum, piece) => sum + piece.size, 0), findings };
}

function piecesOf(state: State, rows: readonly BlobRow[]): readonly Piece[] {
  const names = new Map(
    state.index
      .sql('SELECT id, name FROM packs')
      .all()
      .map((row) => [Number(row['id']), String(row['name'])]),
  );
  const pieces = rows.map((row): Piece => {
    const hex = hexOf(row.digest);
    if (row.pack === undefined) return { path: loosePath(state, row.digest), offset: 0, size: row.size, hex, whole: true };
    const path = join(state.layout.packs, `${names.get(row.pack) ?? 'missing'}.pack`);
    return { path, offset: row.at, size: row.size, hex, whole: false };
  });
  return pieces.toSorted((a, b) => (a.path === b.path ? a.offset - b.offset : a.path < b.path ? -1 : 1));
}

function reportBlob(state: State, bad: BadPiece, repair: boolean): Finding {
  const digest = digestFromHex(bad.hex);
  if (repair && bad.problem === 'corrupt') quarantine(state, digest, findRow(state.index, digest));
  if (repair && bad.problem === 'missing') state.index.write('drop a lost blob', () => dropRow(state.index, digest));
  const repaired = repair && bad.problem !== 'unreadable';
  return { problem: bad.problem, object: 'blob', name: digest, detail: bad.detail, repaired };
}

function checkRecords(state: State, repair: boolean): readonly Finding[] {
  const bad: Finding[] = [];
  for (const name of recordFiles(state)) {
    try {
      readRecords(state, name);
    } catch (error) {
      bad.push({ problem: problemOf(error), object: 'record', name, detail: 'the file is not whole', repaired: repair });
    }
  }
  if (repair && bad.some((one) => one.problem === 'corrupt')) {
    for (const { name } of bad)
      state.index.write('quarantine a record file', () => moveAway(state, join(state.layout.records, name), name));
    rewriteJournal(state);
  }
  return bad;
}

function checkTags(state: State): readonly Finding[] {
  return allTags(state)
    .filter((tag) => findRow(state.index, tag.ref.digest) === undefined)
    .map(({ name, ref }) => ({
      problem: 'missing',
      object: 'tag',
      name,
      detail: `names ${ref.digest}, which is not here`,
      repaired: false,
    }));
}

/** A record without its outputs is only a miss; it is named so that somebody who counts on it knows. */
function checkActions(state: State, repair: boolean): readonly Finding[] {
  const findings: Finding[] = [];
  for (const { key, outputs } of allActions(state)) {
    const gone = outputs.find((output) => findRow(state.index, output.digest) === undefined);
    if (gone === undefined) continue;
    if (repair)
      state.index.write('drop a record', () => void state.index.sql('DELETE FROM actions WHERE key = ?').run(blobKey(key)));
    findings.push({
      problem: 'missing',
      object: 'record',
      name: key,
      detail: `its output ${gone.digest} is not here`,
      repaired: repair,
    });
  }
  return findings;
}

/** Files that no row knows: a crash between a rename and its commit leaves one; they hold no acknowledged byte. */
function checkOrphans(state: State, repair: boolean): readonly Finding[] {
  const findings: Finding[] = [];
  for (const name of readdirSync(state.layout.blobs)) {
    if (/^[0-9a-f]{64}$/.test(name) && findRow(state.index, digestFromHex(name)) !== undefined) continue;
    if (repair) adoptLoose(state, name);
    findings.push({ problem: 'orphan', object: 'blob', name, detail: 'the index does not know it', repaired: repair });
  }
  return findings;
}
