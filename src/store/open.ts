import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Digest } from '../base/digest.ts';
import { PortkitError } from '../base/errors.ts';
import { createActions, createTags } from './disk/actions.ts';
import { createBatches } from './disk/batch.ts';
import { collect } from './disk/collect.ts';
import { openIndex } from './disk/index-db.ts';
import type { Index } from './disk/index-db.ts';
import { checkRoot, layoutOf, prepareRoot } from './disk/layout.ts';
import type { Layout } from './disk/layout.ts';
import { createLease } from './disk/leases.ts';
import { createReader } from './disk/read.ts';
import { rebuildIndex, setIndexAside } from './disk/rebuild.ts';
import { allRows } from './disk/rows.ts';
import { createState } from './disk/state.ts';
import { createTurns } from './disk/turns.ts';
import { createTouches } from './disk/touches.ts';
import { usageOf } from './disk/usage.ts';
import { verify } from './disk/verify.ts';
import { createWriter } from './disk/write.ts';
import type { Store, StoreHost } from './store.ts';

export { checkRoot };

/** How a store is opened. */
export interface OpenOptions {
  /** How long to wait for other processes' transactions (milliseconds; 30,000 unless given). */
  readonly lockWaitMs?: number;
  /** Only read: works on a read-only file system, and every write fails. */
  readonly readOnly?: boolean;
  /** Moves an index that is damaged aside and makes it anew, instead of refusing it. */
  readonly replaceDamagedIndex?: boolean;
  /** The user the root must belong to. */
  readonly uid?: number;
}

/** Opens the store of a root, making it when it is not there. */
export function openStore(root: string, host: StoreHost, options: OpenOptions = {}): Store {
  const readOnly = options.readOnly === true;
  const layout = readOnly ? existingRoot(root, options.uid) : prepareRoot(root, options.uid);
  const index = openOrReplace(
    layout,
    { lockWaitMs: options.lockWaitMs ?? 30_000, readOnly },
    options.replaceDamagedIndex === true,
  );
  const state = createState(layout, index, host);
  if (index.fresh && !readOnly && holdsSomething(layout)) rebuildIndex(state);
  const touches = createTouches(state);
  const reader = createReader(state, touches.blob);
  const turns = createTurns(join(layout.directory, 'turns'));
  const isPresent = (digest: Digest): boolean => reader.present([digest])[0] === true;
  return {
    directory: layout.directory,
    blobs: { ...reader, ...createWriter(state), batch: createBatches(state) },
    actions: createActions(state, isPresent, touches.action),
    tags: createTags(state),
    turn: turns.take,
    lease: (name) => createLease(state, name),
    generation: () => index.number('generation'),
    *list() {
      for (const row of allRows(index)) {
        yield { digest: row.digest, size: row.size, usedAt: row.used, packed: row.pack !== undefined };
      }
    },
    usage: () => usageOf(layout),
    verify: (how, signal) => verify(state, how, signal),
    async collect(how, signal) {
      touches.flush();
      return collect(state, how, signal);
    },
    rebuildIndex(signal) {
      signal.throwIfAborted();
      state.forgetPacks();
      return Promise.resolve(rebuildIndex(state));
    },
    [Symbol.asyncDispose]() {
      touches.flush();
      turns[Symbol.dispose]();
      state[Symbol.dispose]();
      index[Symbol.dispose]();
      return Promise.resolve();
    },
  };
}

function existingRoot(root: string, uid: number | undefined): Layout {
  checkRoot(root, uid);
  const layout = layoutOf(root);
  if (existsSync(layout.index)) return layout;
  throw new PortkitError('PK2006', `There is no store in ${root}`, { hint: 'Check --root, or PORTKIT_ROOT' });
}

function openOrReplace(layout: Layout, options: { lockWaitMs: number; readOnly: boolean }, replace: boolean): Index {
  try {
    return openIndex(layout.index, options);
  } catch (error) {
    if (!replace || !(error instanceof PortkitError) || error.code !== 'PK2010') throw error;
    setIndexAside(layout);
    return openIndex(layout.index, options);
  }
}

function holdsSomething(layout: Layout): boolean {
  return [layout.blobs, layout.packs, layout.records].some((folder) => readdirSync(folder).length > 0);
}
