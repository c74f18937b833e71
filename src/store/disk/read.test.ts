import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { openStore } from '../open.ts';
import { openIndex } from './index-db.ts';
import { layoutOf } from './layout.ts';
import { readWhole } from './read.ts';
import { findRow } from './rows.ts';
import { createState } from './state.ts';

test('a blob that another process moved since its row was read is neither lost nor dropped', async () => {
  const root = mkdtempSync(join(tmpdir(), 'portkit-read-'));
  const host = { now: () => 0 };
  const { signal } = new AbortController();
  const kept = randomBytes(1000);
  {
    await using first = openStore(root, host);
    const batch = first.blobs.batch();
    batch.add(randomBytes(50_000));
    const digest = batch.add(kept);
    await batch.commit(signal);
    first.tags.set('kept', { kind: 'blob', digest });
  }
  using index = openIndex(layoutOf(root).index, { lockWaitMs: 1000, readOnly: false });
  using state = createState(layoutOf(root), index, host);
  await using other = openStore(root, host);
  const digest = other.tags.get('kept')?.digest;
  const row = digest === undefined ? undefined : findRow(index, digest);
  if (digest === undefined || row === undefined) throw new Error('The blob is not there');
  await other.collect({}, signal);
  expect(findRow(index, digest)?.pack).not.toBe(row.pack);
  expect(readWhole(state, row)).toEqual(kept);
  expect(findRow(index, digest)).toBeDefined();
  rmSync(root, { recursive: true });
});
