import type { Exported, Target } from '../../src/artifacts/exporter.ts';
import type { Placed } from './layout.ts';

/** Counts what an output holds, for its receipt. */
export interface Tally {
  add(placed: Placed): void;
  /** The targets as they were exported; `at` says where. */
  exported(at: (target: Target) => string): readonly Exported[];
}

/** Begins to count. */
export function startTally(targets: readonly Target[]): Tally {
  const counts = new Map(targets.map((target) => [target, { files: 0, bytes: 0 }]));
  return {
    add({ target, item }) {
      const count = target && counts.get(target);
      if (count === undefined || item.type !== 'file') return;
      count.files += 1;
      count.bytes += item.size;
    },
    exported: (at) =>
      targets.map((target) => {
        const { files = 0, bytes = 0 } = counts.get(target) ?? {};
        return { target: target.name, ref: target.ref, path: at(target), files, bytes };
      }),
  };
}
