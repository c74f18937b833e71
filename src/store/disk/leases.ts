import type { Ref } from '../../base/ref.ts';
import type { Lease } from '../store.ts';
import { refOf } from './actions.ts';
import { blobKey, claimRow } from './rows.ts';
import type { State } from './state.ts';

/** A lease: what it holds cannot be collected while this process lives and has not let go. */
export function createLease(state: State, name: string): Lease {
  const session = state.session().name;
  return {
    hold(refs) {
      return state.index.write(`hold for ${name}`, () =>
        refs.map((ref) => {
          const here = claimRow(state.index, ref.digest, state.host.now());
          if (here) {
            state.index.sql('INSERT OR REPLACE INTO holds VALUES (?, ?, ?, ?)').run(session, name, blobKey(ref.digest), ref.kind);
          }
          return here;
        }),
      );
    },
    [Symbol.dispose]() {
      state.index.write(`let go of ${name}`, () => {
        state.index.sql('DELETE FROM holds WHERE session = ? AND lease = ?').run(session, name);
      });
    },
  };
}

/** Everything that living processes hold. */
export function allHolds(state: State): readonly Ref[] {
  return state.index.sql('SELECT DISTINCT kind, digest FROM holds').all().map(refOf);
}

/** The oldest era of a living session: blobs written or claimed since then may be in use without a lease. */
export function oldestEra(state: State): number {
  const era = state.index.sql('SELECT min(era) AS era FROM sessions').get()?.['era'];
  return typeof era === 'number' ? era : Number.MAX_SAFE_INTEGER;
}
