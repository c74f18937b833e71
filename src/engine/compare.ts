import { PortkitError } from '../base/errors.ts';
import type { Reason } from '../progress/event.ts';
import type { Grounds } from '../solver/ports.ts';
import { reasonsFor } from '../solver/reasons.ts';
import type { Store } from '../store/store.ts';
import { describeReasons } from './changes.ts';
import type { PastStep } from './history.ts';
import { groundsOf } from './memory.ts';

/** In what two runs of a step differ, as reasons for the later one; none when both rest on the same. */
export async function compareRuns(
  later: PastStep | undefined,
  earlier: PastStep | undefined,
  world: { readonly store: Store; readonly signal: AbortSignal },
): Promise<readonly Reason[]> {
  const now = recorded(later, world.store);
  if (earlier === undefined) return [{ kind: 'new' }];
  const before = recorded(earlier, world.store);
  const reasons = reasonsFor(now, before, { forced: false, wasMade: () => false });
  return describeReasons(
    reasons.filter(({ kind }) => kind !== 'evicted'),
    world,
  );
}

function recorded(run: PastStep | undefined, store: Store): Grounds {
  const grounds = run?.key === undefined ? undefined : groundsOf(store.actions.lookup(run.key));
  if (grounds !== undefined) return grounds;
  throw new PortkitError('PK3004', `What ${run?.step ?? 'the step'} rested on is not remembered any more`, {
    hint: 'Its result failed, or was collected with "portkit cache prune"',
  });
}
