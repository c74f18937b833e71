import type { Digest } from '../../base/digest.ts';
import { parseDigest } from '../../base/digest.ts';
import { PortkitError } from '../../base/errors.ts';
import type { Ref } from '../../base/ref.ts';
import type { Actions, ActionRecord, Tags } from '../store.ts';
import { actionRow, appendRecords } from './records.ts';
import { blobKey, digestColumn, findRow } from './rows.ts';
import type { State } from './state.ts';

/** What a lookup tells the keeper of last uses. */
export type Used = (key: Digest, usedAt: number) => void;

/** Action records: from a key to the outputs that were made under it. */
export function createActions(state: State, present: (digest: Digest) => boolean, used: Used): Actions {
  return {
    lookup(key) {
      const row = state.index.sql('SELECT record, used FROM actions WHERE key = ?').get(blobKey(key));
      if (row === undefined) return undefined;
      const record = parseRow(key, String(row['record']));
      if (!record.outputs.every((output) => present(output.digest))) return undefined;
      used(key, Number(row['used']));
      return record;
    },
    save(records) {
      if (records.length === 0) return;
      state.session();
      state.index.write('save action records', () => {
        for (const { outputs } of records) for (const output of outputs) requirePresent(state, output.digest);
        appendRecords(
          state,
          records.map(({ key, outputs, detail }) => ({ type: 'action', key, outputs, detail: detail ?? null })),
        );
        for (const record of records) putAction(state, record, state.host.now());
      });
    },
  };
}

/** Puts a record's row; the caller holds the write lock. */
export function putAction(state: State, record: ActionRecord, usedAt: number): void {
  state.index.sql('INSERT OR REPLACE INTO actions VALUES (?, ?, ?)').run(blobKey(record.key), actionRow(record), usedAt);
}

/** Every action record with its last use, most recent first. */
export function allActions(state: State): readonly (ActionRecord & { readonly usedAt: number })[] {
  return state.index
    .sql('SELECT * FROM actions ORDER BY used DESC, key')
    .all()
    .map((row) => ({ ...parseRow(digestColumn(row['key']), String(row['record'])), usedAt: Number(row['used']) }));
}

/** A row is written from a checked record, so its text is what `actionRow` made. */
function parseRow(key: Digest, text: string): ActionRecord {
  const { outputs, detail } = JSON.parse(text) as { outputs: readonly Ref[]; detail: unknown };
  return { key, outputs, detail };
}

function requirePresent(state: State, digest: Digest): void {
  if (findRow(state.index, parseDigest(digest)) !== undefined) return;
  throw new PortkitError('PK2002', `A record names the blob ${digest}, which is not in the store`);
}

/** Tags: names that keep a result. */
export function createTags(state: State): Tags {
  function change(name: string, ref: Ref | null): void {
    state.session();
    state.index.write(`set the tag ${name}`, () => {
      if (ref !== null) requirePresent(state, ref.digest);
      appendRecords(state, [{ type: 'tag', name, ref }]);
      putTag(state, name, ref);
    });
  }
  return {
    get(name) {
      const row = state.index.sql('SELECT kind, digest FROM tags WHERE name = ?').get(name);
      return row === undefined ? undefined : refOf(row);
    },
    set(name, ref) {
      if (!/^[A-Za-z0-9][A-Za-z0-9._/:@+-]{0,254}$/.test(name)) {
        throw new PortkitError('PK1003', `The tag name ${JSON.stringify(name.slice(0, 100))} is not allowed`, {
          hint: 'A tag has letters, digits and . _ / : @ + -, and begins with a letter or digit',
        });
      }
      change(name, ref);
    },
    delete(name) {
      if (state.index.sql('SELECT 1 FROM tags WHERE name = ?').get(name) === undefined) return false;
      change(name, null);
      return true;
    },
    list: () => allTags(state),
  };
}

/** Every tag by name. */
export function allTags(state: State): readonly { readonly name: string; readonly ref: Ref }[] {
  const rows = state.index.sql('SELECT * FROM tags ORDER BY name').all();
  return rows.map((row) => ({ name: String(row['name']), ref: refOf(row) }));
}

/** Puts or removes a tag's row; the caller holds the write lock. */
export function putTag(state: State, name: string, ref: Ref | null): void {
  if (ref === null) state.index.sql('DELETE FROM tags WHERE name = ?').run(name);
  else state.index.sql('INSERT OR REPLACE INTO tags VALUES (?, ?, ?)').run(name, ref.kind, blobKey(ref.digest));
}

/** The ref in a row's columns. */
export function refOf(row: Record<string, unknown>): Ref {
  return { kind: row['kind'] === 'tree' ? 'tree' : 'blob', digest: digestColumn(row['digest']) };
}
