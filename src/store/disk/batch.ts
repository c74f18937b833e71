import { closeSync } from 'node:fs';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { digestOf } from '../../base/digest.ts';
import type { Digest } from '../../base/digest.ts';
import { PortkitError } from '../../base/errors.ts';
import type { SmallBatch } from '../blobs.ts';
import { discard, syncDirectory, syncFile } from './durable.ts';
import { storeFailure } from './failure.ts';
import { createPack } from './pack.ts';
import type { PackWriter } from './pack.ts';
import { putInPlace } from './quarantine.ts';
import { readWhole } from './read.ts';
import { claimRow, findRow, putRow } from './rows.ts';
import type { State } from './state.ts';

/** Bytes that a batch keeps in memory; a larger one is a pack of its own. */
const smallBatch = 256 << 10;

/** How batches of one store are committed: what is ready at the same time shares a pack, a sync and a transaction. */
type CommitTogether = (batch: SmallContents, signal: AbortSignal) => Promise<void>;

/**
 * Opens batches. A batch of small blobs becomes one pack: one file, one sync, one transaction, however many blobs there are;
 * small batches that are committed at the same time share them.
 * (20,000 × 10 KiB here: 1.1 s as a pack; 2.7 s as files with two `syncfs`; 12–20 s with a sync each.)
 */
export function createBatches(state: State): () => SmallBatch {
  const commitTogether = createGroup(state);
  return () => createBatch(state, commitTogether);
}

function createBatch(state: State, commitTogether: CommitTogether): SmallBatch {
  const found = new Set<Digest>();
  const small = new Map<Digest, Uint8Array>();
  const written = new Set<Digest>();
  let bytesInMemory = 0;
  let pack: Pick<OpenPack, 'writer' | 'path'> | undefined;
  let ended = false;
  function put(digest: Digest, bytes: Uint8Array): void {
    if (pack === undefined && bytesInMemory + bytes.length <= smallBatch) {
      bytesInMemory += bytes.length;
      // The caller may use its buffer again.
      small.set(digest, Uint8Array.from(bytes));
      return;
    }
    pack ??= startPack(state);
    for (const [earlier, content] of small) pack.writer.add(earlier, content);
    for (const earlier of small.keys()) written.add(earlier);
    small.clear();
    pack.writer.add(digest, bytes);
    written.add(digest);
  }
  return {
    add(bytes) {
      if (ended) throw new Error('This batch is committed');
      const digest = digestOf(bytes);
      if (found.has(digest) || small.has(digest) || written.has(digest)) return digest;
      try {
        if (isHere(state, digest)) found.add(digest);
        else put(digest, bytes);
      } catch (error) {
        ended = true;
        if (pack !== undefined) {
          closeSync(pack.writer.fd);
          discard(pack.path);
        }
        throw storeFailure(error, `write the blob ${digest}`);
      }
      return digest;
    },
    async commit(signal) {
      if (ended) throw new Error('This batch is committed');
      ended = true;
      try {
        if (pack !== undefined) await publishPack(state, { ...pack, found }, signal);
        else if (small.size > 0) await commitTogether({ small, found }, signal);
        else if (found.size > 0) state.index.write('claim blobs', () => claimAll(state, found));
      } catch (error) {
        throw signal.aborted ? signal.reason : storeFailure(error, 'write a batch of blobs');
      }
    },
  };
}

function startPack(state: State): Pick<OpenPack, 'writer' | 'path'> {
  const path = state.session().temporary();
  return { path, writer: createPack(path) };
}

interface SmallContents {
  readonly small: ReadonlyMap<Digest, Uint8Array>;
  readonly found: ReadonlySet<Digest>;
}

type Member = SmallContents & { readonly signal: AbortSignal; readonly done: PromiseWithResolvers<void> };

/** While one group is being synced the next one gathers. */
function createGroup(state: State): CommitTogether {
  let waiting: Member[] = [];
  let isBusy = false;
  async function work(): Promise<void> {
    isBusy = true;
    while (waiting.length > 0) {
      await setImmediate();
      const group = waiting;
      waiting = [];
      await commitGroup(state, group);
    }
    isBusy = false;
  }
  return (contents, signal) => {
    const member = { ...contents, signal, done: Promise.withResolvers<void>() };
    waiting.push(member);
    if (!isBusy) void work();
    return member.done.promise;
  };
}

/** Never rejects: each member hears of its own end. What fails for the group is tried for each alone. */
async function commitGroup(state: State, group: readonly Member[]): Promise<void> {
  const wanted = group.filter(({ signal }) => !signal.aborted);
  for (const { signal, done } of group) if (signal.aborted) done.reject(signal.reason);
  if (wanted.length === 0) return;
  try {
    const pack = startPack(state);
    const blobs = new Map(wanted.flatMap(({ small }) => [...small]));
    const found = new Set(wanted.flatMap(({ found }) => [...found]));
    try {
      for (const [digest, bytes] of blobs) pack.writer.add(digest, bytes);
    } catch (error) {
      closeSync(pack.writer.fd);
      discard(pack.path);
      throw error;
    }
    await publishPack(state, { ...pack, found }, new AbortController().signal);
    for (const { done } of wanted) done.resolve();
  } catch (error) {
    if (wanted.length === 1) wanted[0]?.done.reject(error);
    else for (const member of wanted) await commitGroup(state, [member]);
  }
}

/** Whether a sound copy is here; a damaged one is quarantined by looking, and is then written anew. */
function isHere(state: State, digest: Digest): boolean {
  const row = findRow(state.index, digest);
  if (row === undefined) return false;
  try {
    return readWhole(state, row) !== undefined;
  } catch (error) {
    if (error instanceof PortkitError && error.code === 'PK2001') return false;
    throw error;
  }
}

/** The caller holds the write lock. */
function claimAll(state: State, found: ReadonlySet<Digest>): void {
  for (const digest of found) {
    if (!claimRow(state.index, digest, state.host.now())) {
      throw new PortkitError('PK2002', `The blob ${digest} was collected while a batch was made`, { hint: 'Run it again' });
    }
  }
}

interface OpenPack {
  readonly writer: PackWriter;
  readonly path: string;
  /** What was here already, and must still be when the batch is acknowledged. */
  readonly found: ReadonlySet<Digest>;
}

/** Makes a pack durable and gives it its name and rows; one that fails is gone. */
async function publishPack(state: State, pack: OpenPack, signal: AbortSignal): Promise<void> {
  try {
    const finished = await finishPack(pack);
    signal.throwIfAborted();
    state.index.write('publish a pack', () => {
      claimAll(state, pack.found);
      putInPlace(state, pack.path, join(state.layout.packs, `${finished.name}.pack`));
      syncDirectory(state.layout.packs);
      const id = newPackId(state, finished);
      const used = state.host.now();
      for (const { digest, size, offset } of pack.writer.entries) {
        putRow(state.index, { digest, size, pack: id, at: offset, used });
      }
    });
  } catch (error) {
    discard(pack.path);
    throw error;
  }
}

async function finishPack({ writer }: OpenPack): Promise<{ readonly name: string; readonly size: number }> {
  try {
    const finished = writer.finish();
    await syncFile(writer.fd);
    return finished;
  } finally {
    closeSync(writer.fd);
  }
}

/**
 * The number of a pack whose file has just come into place; the caller holds the write lock. A file that takes the place of
 * a damaged one gets a new number, as processes keep files of packs open under the number they know.
 */
export function newPackId(state: State, pack: { readonly name: string; readonly size: number }): number {
  const old = state.index.sql('SELECT id FROM packs WHERE name = ?').get(pack.name)?.['id'];
  state.index.sql('DELETE FROM packs WHERE name = ?').run(pack.name);
  const id = Number(state.index.sql('INSERT INTO packs (name, size) VALUES (?, ?)').run(pack.name, pack.size).lastInsertRowid);
  if (old !== undefined) state.index.sql('UPDATE blobs SET pack = ? WHERE pack = ?').run(id, old);
  return id;
}
