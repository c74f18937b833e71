import { setTimeout } from 'node:timers/promises';
import { digestOf } from '../base/digest.ts';
import type { Digest } from '../base/digest.ts';
import type { Ref } from '../base/ref.ts';
import type { Finished, Grounds, Presence, Results, Turns } from '../solver/ports.ts';
import type { ActionRecord, Lease, Store } from '../store/store.ts';

/** What earlier builds of a project left in the store. Results are everybody's; what a step last did is the project's. */
export function createResults(store: Pick<Store, 'actions'>, project: string): Results {
  const lastRunKey = (step: string): Digest => digestOf(JSON.stringify(['portkit last run 1', project, step]));
  function recordsOf({ keys, outputs, ran }: Finished): ActionRecord[] {
    const [first, ...others] = keys.map((key) => ({ key, outputs, detail: null }));
    if (first === undefined || ran === undefined) return first === undefined ? [] : [first, ...others];
    const last = { key: lastRunKey(ran.step), outputs: [], detail: ran.grounds };
    return [{ ...first, detail: ran.grounds }, ...others, last];
  }
  return {
    lookup: (keys) => keys.map((key) => store.actions.lookup(key)?.outputs),
    save: (finished) => store.actions.save(finished.flatMap(recordsOf)),
    lastRuns: (steps) => steps.map((step) => groundsOf(store.actions.lookup(lastRunKey(step)))),
  };
}

/** What the run behind a record rested on; records of an older form say nothing. */
export function groundsOf(record: ActionRecord | undefined): Grounds | undefined {
  const detail = record?.detail;
  if (typeof detail !== 'object' || detail === null) return undefined;
  const shaped = 'code' in detail && 'facts' in detail && 'inputs' in detail && Array.isArray(detail.inputs) && 'took' in detail;
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- records are written by `recordsOf` above
  return shaped ? (detail as Grounds) : undefined;
}

/** Presence in the store, and a hold on what builds use. A hold is a durable write: it is made when something is held first. */
export function createPresence(store: Pick<Store, 'blobs' | 'lease'>, name: string): Presence & Disposable {
  let lease: Lease | undefined;
  return {
    look: (refs) => store.blobs.present(refs.map(({ digest }) => digest)),
    hold(refs: readonly Ref[]) {
      if (refs.length === 0) return [];
      lease ??= store.lease(name);
      return lease.hold(refs);
    },
    [Symbol.dispose]: () => lease?.[Symbol.dispose](),
  };
}

const firstWait = 10;
const longestWait = 250;

/** Turns among the processes that share the store; whoever waits looks again and again, at most four times a second. */
export function createTurns(store: Pick<Store, 'turn'>): Turns {
  return {
    async take(key, signal) {
      for (let wait = firstWait; ; wait = Math.min(wait * 2, longestWait)) {
        const turn = store.turn(key);
        if (turn !== undefined) return turn;
        await setTimeout(wait, undefined, { signal }).catch(() => signal.throwIfAborted());
      }
    },
  };
}
