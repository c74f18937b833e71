import type { Moment } from './event.ts';
import type { BuildView, StepRow, StepState } from './view.ts';

/** A build in numbers. */
export interface Summary {
  readonly counts: Readonly<Record<StepState, number>>;
  /** Steps that nobody had to ask for, because what needs them was known already. */
  readonly unneeded: number;
  readonly elapsed: Moment;
  /** The steps that took longest, the slowest first. */
  readonly slowest: readonly { readonly step: string; readonly took: Moment }[];
}

/** What to say of a build when it is over (or so far). */
export function summarize(view: BuildView, most = 5): Summary {
  const slowest = [...view.steps.values()]
    .map((row) => ({ step: row.step, took: took(row, view.at) }))
    .filter((one) => one.took > 0)
    .toSorted((a, b) => b.took - a.took || (a.step < b.step ? -1 : 1));
  const unneeded = Math.max(0, view.total - view.steps.size);
  return { counts: { ...view.counts }, unneeded, elapsed: view.at, slowest: slowest.slice(0, most) };
}

function took(row: StepRow, now: Moment): Moment {
  return row.startedAt === undefined ? 0 : (row.endedAt ?? now) - row.startedAt;
}
