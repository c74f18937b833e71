import { showDuration, showSize } from '../base/units.ts';
import type { BuildEvent, Moment, Reason } from '../progress/event.ts';
import { reasonText } from '../progress/reason.ts';
import type { BuildView, StepRow } from '../progress/view.ts';
import { failureBlock } from './failure.ts';
import type { Style } from './style.ts';
import { clip, shownLine, shownLines } from './text.ts';

/** Columns of the reasons of a step. */
const widestReason = 160;

/** The lines of an event that nobody may miss: a warning or a failure; none of any other. */
export function troubleLines(event: BuildEvent, view: BuildView, style: Style): readonly string[] {
  if (event.type === 'warning') {
    const [first = '', ...others] = shownLines(event.message);
    return [`${style('careful', 'warning')}: ${first}`, ...others.map((line) => `  ${line}`)];
  }
  const row = event.type === 'step.failed' ? view.steps.get(event.step) : undefined;
  return row === undefined ? [] : failureBlock(row, style);
}

/** Why a step runs, ready to be shown. */
export function whyText(reasons: readonly Reason[]): string {
  return clip(shownLine(reasonText(reasons)), widestReason);
}

/** That a step waits, for whom and how long: `example.org: no usable answer, trying again in 2.0 s`. */
export function retryText({ servers, ms }: Extract<BuildEvent, { type: 'retry' }>): string {
  return `${shownLine(servers.join(', '))}: no usable answer, trying again in ${showDuration(ms)}`;
}

/** How long a step has run: `4.2 s`; nothing for one that never started. */
export function tookText({ startedAt, endedAt }: StepRow, now: Moment): string {
  return startedAt === undefined ? '' : showDuration(Math.max(0, (endedAt ?? now) - startedAt));
}

/** How far a transfer has come: `12.0 MiB of 130.0 MiB (9 %)`. */
export function transferText({ done, total }: NonNullable<StepRow['transfer']>): string {
  if (total === undefined || total <= 0) return showSize(done);
  return `${showSize(done)} of ${showSize(total)} (${Math.min(100, Math.floor((done / total) * 100))} %)`;
}
