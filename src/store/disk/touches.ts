import type { Digest } from '../../base/digest.ts';
import { blobKey } from './rows.ts';
import type { State } from './state.ts';

/** A last use is noted when the one on record is at least this old: a build that changes nothing writes nothing. */
const granularity = 3_600_000;
/** Uses remembered before they are written. */
const most = 20_000;

/** Remembers what was used, and writes it in one lazy transaction; a lost one only makes something look older. */
export function createTouches(state: State) {
  const blobs = new Set<Digest>();
  const actions = new Set<Digest>();
  function flush(): void {
    if (state.index.readOnly || blobs.size + actions.size === 0) return;
    const now = state.host.now();
    state.index.writeLazily(() => {
      for (const digest of blobs) state.index.sql('UPDATE blobs SET used = ? WHERE digest = ?').run(now, blobKey(digest));
      for (const key of actions) state.index.sql('UPDATE actions SET used = ? WHERE key = ?').run(now, blobKey(key));
    });
    blobs.clear();
    actions.clear();
  }
  function note(set: Set<Digest>, digest: Digest, usedAt: number): void {
    if (Math.abs(state.host.now() - usedAt) < granularity) return;
    set.add(digest);
    if (blobs.size + actions.size >= most) flush();
  }
  return {
    blob: (row: { readonly digest: Digest; readonly used: number }) => note(blobs, row.digest, row.used),
    action: (key: Digest, usedAt: number) => note(actions, key, usedAt),
    flush,
  };
}
